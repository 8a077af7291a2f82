#include "baseline/key.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/host_name.h"
#include "base/number.h"
#include "base/text.h"

namespace kilnwatch::baseline {
namespace {

base::Error wrong(const std::string& word, const std::string& why) {
  return {base::ErrorClass::kUsage, "'" + word + "' " + why};
}

// As the sensor writes addresses: RFC 5952, mapped ones as IPv4.
std::optional<std::string> address_of(const std::string& text) {
  constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> shown{};
  const unsigned char* v4 = nullptr;
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
    v4 = bytes.data();
  } else if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) {
    return std::nullopt;
  } else if (std::memcmp(bytes.data(), kMapped.data(), kMapped.size()) == 0) {
    v4 = bytes.data() + kMapped.size();
  }
  const void* from = v4 != nullptr ? v4 : bytes.data();
  if (::inet_ntop(v4 != nullptr ? AF_INET : AF_INET6, from, shown.data(), shown.size()) == nullptr)
    return std::nullopt;
  return shown.data();
}

// What it stands for is detect's to say; here any word will do. `kind`: kClient, kPowers, kEngine.
base::Result<Key> read_word(const std::string& kind, const std::string& port,
                            const std::string& word) {
  const std::string what = kind == kClient   ? "client"
                           : kind == kPowers ? "container with powers"
                                             : "host that an engine asks";
  const auto number = base::number_of<std::uint16_t>(port);
  const bool has_port = kind == kEngine;
  if (!number || (*number != 0 && !has_port))
    return wrong(
        port, "is no port of a " + what + "; write " + kind + (has_port ? " 443 WORD" : " 0 WORD"));
  const bool plain = std::all_of(word.begin(), word.end(), [](unsigned char c) { return c > ' '; });
  if (word.empty() || !plain || kind.size() + port.size() + word.size() + 2 > kMaxKey)
    return wrong(word, "is no " + what + "; write one as `kilnwatch baseline list` shows it");
  return Key{kind, *number, word};
}

}  // namespace

bool is_of_host(std::string_view key) {
  for (const std::string_view own : {kClient, kPowers, kEngine}) {
    if (key.starts_with(own) && key.substr(own.size()).starts_with(' ')) return true;
  }
  return false;
}

std::string text_of(const Key& key) {
  return key.address + " " + std::to_string(key.port) + (key.name.empty() ? "" : " " + key.name);
}

std::optional<Key> split_key(std::string_view text) {
  const auto first = text.find(' ');
  if (first == text.npos) return std::nullopt;
  const auto second = text.find(' ', first + 1);
  const auto port = base::number_of<std::uint16_t>(text.substr(first + 1, second - first - 1));
  if (first == 0 || !port) return std::nullopt;
  Key key{std::string(text.substr(0, first)), *port, {}};
  if (second == text.npos) return key;
  key.name = text.substr(second + 1);
  if (key.name.empty() || key.name.find(' ') != key.name.npos) return std::nullopt;
  return key;
}

base::Result<Key> read_key(const std::string& address, const std::string& port,
                           const std::string& name) {
  if (address == kClient || address == kPowers || address == kEngine)
    return read_word(address, port, name);
  const bool any = address == kAnyAddress;
  const auto ip = any ? std::optional(address) : address_of(address);
  if (!ip)
    return wrong(address, "is no address; write for example 192.0.2.7 or 2001:db8::7 (no network)");
  const auto number = base::number_of<std::uint16_t>(port);
  if (!number) return wrong(port, "is no port; write a number from 0 to 65535");
  // What was masked in a name stands there as three stars (base/secrets.h).
  constexpr std::string_view kMasked = "***";
  std::string plain = name;
  for (auto at = plain.find(kMasked); at != plain.npos; at = plain.find(kMasked))
    plain.replace(at, kMasked.size(), "xxx");
  if ((any || !name.empty()) && base::host_name(plain).empty())
    return wrong(name, "is no name; write for example example.org, or nothing");
  std::string kept = base::lower(name);
  if (kept.ends_with('.')) kept.pop_back();  // as DNS writes a whole name
  return Key{*ip, *number, kept};
}

const char* name_of(Scope scope) { return scope == Scope::kHost ? "host" : "builds"; }

std::optional<Scope> scope_of(std::string_view name) {
  for (const Scope scope : kScopes) {
    if (name == name_of(scope)) return scope;
  }
  return std::nullopt;
}

}  // namespace kilnwatch::baseline
