// What the engine is to fetch.
#include "detect/shapes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/text.h"
#include "detect/words.h"
#include "policy/match.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

// Of one address or name all that means it: mapped, not shortened, with a zone, with the root's
// dot.
std::string plain_host(std::string_view text) {
  std::string host = base::lower(text.substr(0, text.find('%')));
  if (host.ends_with('.')) host.pop_back();
  const auto address = policy::address_of(host);
  return address ? policy::text_of(*address) : host;
}

}  // namespace

std::vector<std::string> added_urls(const DockerfileSeen& dockerfile) {
  std::vector<std::string> out;
  for (const Instruction& instruction : dockerfile.instructions) {
    std::string_view rest(instruction.text);
    rest = rest.substr(0, rest.find('\n'));  // what follows is a file's text
    if (base::lower(next_word(rest)) != "add") continue;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find_first_of(" \t\\\"',"), rest.size());
      const std::string_view word = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (!word.starts_with('-') && contains(word, "://")) out.emplace_back(word);
    }
  }
  return out;
}

Endpoint host_of_url(const std::string& url) {
  const std::size_t scheme = url.find("://");
  std::string_view rest = url;
  if (scheme != url.npos) rest.remove_prefix(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  rest.remove_prefix(rest.rfind('@') + 1);  // npos + 1: none
  std::string_view port;
  if (rest.starts_with('[') && contains(rest, "]")) {
    const std::size_t end = rest.find(']');
    port = rest.substr(end + 1);
    rest = rest.substr(1, end - 1);
  } else if (const std::size_t colon = rest.find(':'); colon != rest.npos) {
    port = rest.substr(colon);
    rest = rest.substr(0, colon);
  }
  Endpoint out{plain_host(rest), 0};
  if (port.starts_with(':')) {
    std::uint16_t number = 0;
    const auto [at, error] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
    if (error == std::errc()) out.port = number;
  }
  return out;
}

bool is_own_name(const std::string& host) {
  constexpr std::array<std::string_view, 3> kNames = {"localhost", "ip6-localhost", "ip6-loopback"};
  return one_of(host, kNames) || host.ends_with(".localhost");
}

}  // namespace kilnwatch::detect
