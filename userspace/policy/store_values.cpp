// The server that hosts share a baseline over, as words. What may hold a secret is not repeated.
#include <algorithm>
#include <optional>
#include <string_view>

#include "base/host_name.h"
#include "base/number.h"
#include "base/text.h"
#include "policy/match.h"
#include "policy/values.h"

namespace kilnwatch::policy {
namespace {

constexpr std::uint16_t kPort = 6379;      // as servers have it by default
constexpr unsigned kMaxDatabase = 65'535;  // they have 16 by default, none in a cluster
constexpr std::size_t kMaxUser = 128;      // bytes
constexpr const char* kExample = "write redis://HOST:PORT, or rediss://HOST:PORT for TLS";

base::Error wrong(const std::string& why) { return {base::ErrorClass::kUsage, why}; }

bool is_host(const std::string& host) {
  const bool labels = !host.starts_with('.') && !host.ends_with('.') &&
                      host.find("..") == host.npos && !base::host_name(host).empty();
  return labels || address_of(host).has_value();
}

}  // namespace

base::Result<StoreUrl> read_store_url(const std::string& word) {
  StoreUrl out;
  std::string_view rest = word;
  constexpr std::string_view kPlain = "redis://", kTls = "rediss://";
  // Before anything else: nothing of it may be shown.
  if (word.find('@') != word.npos) {
    return wrong(
        "the URL has a user or a password in it; write 'user: NAME' beside it, and the password "
        "into a file that 'password_file: PATH' names");
  }
  if (rest.starts_with(kTls)) {
    out.tls = true;
    rest.remove_prefix(kTls.size());
  } else if (rest.starts_with(kPlain)) {
    rest.remove_prefix(kPlain.size());
  } else {
    return wrong(std::string("it is no URL of a Valkey or Redis server; ") + kExample);
  }
  if (rest.find_first_of("?#") != rest.npos)
    return wrong(
        "the URL has more than a server and the number of a database; end it before '?' or '#'");
  if (const auto slash = rest.find('/'); slash != rest.npos) {
    const std::string_view path = rest.substr(slash + 1);
    const auto database =
        path.empty() ? std::optional<unsigned>(0) : base::number_of<unsigned>(path);
    if (!database || *database > kMaxDatabase)
      return wrong("the URL has no number of a database behind the server; write for example /0");
    out.database = *database;
    rest = rest.substr(0, slash);
  }
  const auto bracket = rest.starts_with('[') ? rest.find(']') : rest.npos;
  const auto colon = rest.find(':', bracket == rest.npos ? 0 : bracket);
  const std::string_view host = rest.substr(0, colon);
  const bool quoted = host.starts_with('[');
  out.host = base::lower(quoted ? host.substr(1, host.size() - 2) : host);
  const auto address = address_of(out.host);
  if (quoted != (address.has_value() && out.host.find(':') != out.host.npos) || !is_host(out.host))
    return wrong(std::string("the URL names no server; ") + kExample + " (IPv6 as [2001:db8::7])");
  out.port = kPort;
  if (colon != rest.npos) {
    const auto port = base::number_of<unsigned>(rest.substr(colon + 1));
    if (!port || *port == 0 || *port > 0xffff)
      return wrong("the URL has no port behind the server's ':'; write a number from 1 to 65535");
    out.port = static_cast<std::uint16_t>(*port);
  }
  out.text = word;
  return out;
}

base::Result<std::string> read_store_user(const std::string& word) {
  const bool plain = std::none_of(word.begin(), word.end(), [](char c) {
    return c == ' ' || c == ':' || static_cast<unsigned char>(c) < 0x20;
  });
  if (plain && word.size() <= kMaxUser) return word;
  return wrong(
      "it is no name of a user; write it as the server's ACL has it, the password goes into the "
      "file "
      "that 'password_file: PATH' names");
}

base::Result<std::string> read_file_path(const std::string& word) {
  if (word.starts_with('/') && !word.ends_with('/')) return word;
  return wrong("it is no path of a file; write it from '/' on, as in /etc/kilnwatch/store.pem");
}

}  // namespace kilnwatch::policy
