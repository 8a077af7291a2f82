#include "capture/live/resolvers.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <sstream>
#include <utility>

#include "capture/live/proc.h"

namespace kilnwatch::capture {
namespace {

constexpr domain::TimeNs kReadAgain = 1'000'000'000;

// RFC 5952, mapped ones as IPv4; empty: no address, or one that is another host's elsewhere.
std::string address_of(const std::string& word) {
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const unsigned char* v4 = nullptr;
  if (::inet_pton(AF_INET, word.c_str(), bytes.data()) == 1) {
    v4 = bytes.data();
  } else if (::inet_pton(AF_INET6, word.c_str(), bytes.data()) != 1) {
    return {};
  } else if (std::memcmp(bytes.data(), kMapped.data(), kMapped.size()) == 0) {
    v4 = bytes.data() + kMapped.size();
  }
  const void* from = v4 != nullptr ? v4 : bytes.data();
  ::inet_ntop(v4 != nullptr ? AF_INET : AF_INET6, from, text.data(), text.size());
  const std::string out = text.data();
  const bool link = v4 == nullptr && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
  const bool local =
      v4 != nullptr ? v4[0] == 127 || out == "0.0.0.0" : link || out == "::1" || out == "::";
  return local ? std::string{} : out;
}

}  // namespace

std::vector<std::string> nameservers_in(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty() && out.size() < kMaxNameservers) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    std::istringstream words{std::string(line)};
    std::string key, word;
    if (!(words >> key >> word) || key != "nameserver") continue;
    if (auto address = address_of(word); !address.empty()) out.push_back(std::move(address));
  }
  return out;
}

void HostResolvers::read() {
  known_.clear();
  for (const auto& file : files_) {
    for (auto& ip : nameservers_in(read_small_file(file))) {
      if (known_.size() < kMaxNameservers) known_.insert(std::move(ip));
    }
  }
  // What docker and BuildKit give to a container where the host has none that it could reach (moby:
  // libnetwork/internal/resolvconf; buildkit: executor/oci/resolvconf.go).
  if (known_.empty())
    known_ = {"8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"};
}

bool HostResolvers::names(const std::string& ip, domain::TimeNs now) {
  return all(now).contains(ip);
}

const std::set<std::string>& HostResolvers::all(domain::TimeNs now) {
  if (now >= due_) {
    read();
    due_ = now + kReadAgain;
  }
  return known_;
}

}  // namespace kilnwatch::capture
