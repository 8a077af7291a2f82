#include "policy/values.h"

#include <arpa/inet.h>

#include <chrono>
#include <optional>
#include <string_view>

#include "base/host_name.h"
#include "base/number.h"
#include "base/text.h"
#include "policy/limits.h"
#include "policy/match.h"

namespace kilnwatch::policy {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kDay = 86'400 * kSecond;

base::Error wrong(const std::string& word, const std::string& why) {
  return {base::ErrorClass::kUsage, "'" + word + "' " + why};
}

// Digits only.
std::optional<std::uint64_t> number(std::string_view text) {
  return base::number_of<std::uint64_t>(text);
}

// As base::host_name has it, and no label empty.
bool is_name(std::string_view text) {
  return !base::host_name(text).empty() && !text.starts_with('.') && !text.ends_with('.') &&
         text.find("..") == text.npos;
}

}  // namespace

base::Result<domain::TimeNs> read_duration(const std::string& word) {
  std::uint64_t unit = 0;
  switch (word.back()) {
    case 's':
      unit = kSecond;
      break;
    case 'm':
      unit = 60 * kSecond;
      break;
    case 'h':
      unit = 3600 * kSecond;
      break;
    case 'd':
      unit = kDay;
      break;
    default:
      break;
  }
  const auto count = number(std::string_view(word).substr(0, word.size() - 1));
  if (unit == 0 || !count)
    return wrong(word, "is no duration; write for example 30s, 5m, 24h or 7d");
  if (*count == 0 || *count > 365 * kDay / unit)
    return wrong(word, "is out of range; write something from 1s to 365d");
  return *count * unit;
}

base::Result<domain::TimeNs> read_duration_or_none(const std::string& word) {
  if (word == "0") return domain::TimeNs{0};
  return read_duration(word);
}

base::Result<std::uint64_t> read_last_day(const std::string& word) {
  const auto part = [&word](std::size_t at, std::size_t size) {
    return number(std::string_view(word).substr(at, size));
  };
  const bool shape = word.size() == 10 && word[4] == '-' && word[7] == '-';
  const auto year = shape ? part(0, 4) : std::nullopt;
  const auto month = shape ? part(5, 2) : std::nullopt;
  const auto day = shape ? part(8, 2) : std::nullopt;
  if (!year || !month || !day) return wrong(word, "is no date; write YYYY-MM-DD, as in 2027-01-31");
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  // Nanoseconds since 1970 in 64 bits end in 2262.
  if (!date.ok() || *year < 1970 || *year > 2199)
    return wrong(word, "is no day of the calendar from 1970 to 2199; write YYYY-MM-DD");
  const auto days = std::chrono::sys_days(date).time_since_epoch().count() + 1;
  return static_cast<std::uint64_t>(days) * kDay;
}

base::Result<Network> read_network(const std::string& word) {
  const std::size_t slash = word.find('/');
  auto address = address_of(word.substr(0, slash));
  if (!address) {
    return wrong(word,
                 "is no address or network; write for example 192.0.2.7, 10.0.0.0/8 or "
                 "2001:db8::/32");
  }
  if (slash == word.npos) return *address;
  const bool mapped = address->v4 && word.find(':') != word.npos;
  const unsigned width = address->bits + (mapped ? 96 : 0);
  const auto bits = number(std::string_view(word).substr(slash + 1));
  if (!bits || *bits > width || (mapped && *bits < 96)) {
    return wrong(word, "has no length of a prefix behind '/'; write a number from " +
                           std::to_string(mapped ? 96 : 0) + " to " + std::to_string(width));
  }
  address->bits = static_cast<unsigned>(*bits) - (mapped ? 96 : 0);
  const Network given = *address;
  clear_host_bits(*address);
  if (address->bytes != given.bytes) {
    return wrong(word,
                 "has bits beyond its prefix; write " + text_of(*address) + ", or a longer prefix");
  }
  return *address;
}

base::Result<Ports> read_ports(const std::string& word) {
  const std::size_t dash = word.find('-');
  const auto first = number(std::string_view(word).substr(0, dash));
  const auto last = dash == word.npos ? first : number(std::string_view(word).substr(dash + 1));
  if (!first || !last || *first == 0 || *last > 65'535)
    return wrong(word, "is no port; write a number from 1 to 65535, or a range as 8000-8999");
  if (*first > *last) return wrong(word, "ends before it begins; write the lower port first");
  return Ports{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

base::Result<std::string> read_domain(const std::string& word) {
  if (address_of(word.substr(0, word.find('/'))))
    return wrong(word, "is an address; write it behind 'network:'");
  std::string_view name = word;
  if (name.starts_with(kWildcard)) name.remove_prefix(kWildcard.size());
  if (is_name(name)) return base::lower(word);
  return wrong(word,
               "is no name; write for example example.org, or *.example.org for all below it "
               "('*' nowhere else; other scripts as xn--…)");
}

base::Result<std::uint32_t> read_uid(const std::string& word) {
  const auto value = number(word);
  if (value && *value < 0xffff'ffff) return static_cast<std::uint32_t>(*value);
  return wrong(word, "is no uid; write the number that `id -u NAME` shows");
}

base::Result<std::string> read_exe(const std::string& word) {
  // The kernel's is compared with it byte by byte: what it never says would match nobody.
  const std::string folder = word + "/";
  const auto has = [&folder](const char* part) { return folder.find(part) != folder.npos; };
  const bool other = has("*") || has("//") || has("/./") || has("/../");
  if (word.starts_with('/') && !other) return word;
  return wrong(word,
               "is no path of a program; write it from '/' on, as in /usr/bin/docker, whole: "
               "without '*', '..' or two '/'");
}

base::Result<std::string> read_container(const std::string& word) {
  if (base::is_hex(word) && word.size() >= kMinContainer && word.size() <= 64) return word;
  return wrong(word, "is no id of a container; write " + std::to_string(kMinContainer) +
                         " to 64 of its hexadecimal digits, as `docker ps` shows them");
}

base::Result<std::string> read_tactic(const std::string& word) {
  constexpr std::size_t kLongest = 64;
  const bool plain = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == word.npos;
  if (!plain || word.size() > kLongest || word.starts_with('-') || word.ends_with('-'))
    return wrong(word, "is no tactic; write small letters with dashes, for example stealth");
  return word;
}

base::Result<std::string> read_registry(const std::string& word) {
  constexpr std::string_view kScheme = "://";
  if (word.find(kScheme) != word.npos)
    return wrong(word, "is a URL; leave out what stands before the host");
  const std::size_t slash = word.find('/');
  const std::string path = slash == word.npos ? "" : word.substr(slash);
  std::string_view host = std::string_view(word).substr(0, slash);
  if (host.starts_with(kWildcard)) host.remove_prefix(kWildcard.size());
  const std::size_t colon = host.find(':');
  const bool port = colon == host.npos || read_ports(std::string(host.substr(colon + 1)));
  const std::string_view name = host.substr(0, colon);
  const bool address = !host.empty() && address_of(std::string(name));
  // What an image's name may hold (distribution/reference), so that the entry can match one.
  constexpr std::string_view kOfPaths = "abcdefghijklmnopqrstuvwxyz0123456789._-/";
  const bool words =
      path.empty() || (path.size() > 1 && !path.ends_with('/') && path.find("//") == path.npos &&
                       base::lower(path).find_first_not_of(kOfPaths) == path.npos);
  if (port && (address || is_name(name)) && base::is_registry_host(host) && words) {
    // Its older name; images of either are docker.io's.
    if (base::lower(word.substr(0, slash)) == "index.docker.io")
      return "docker.io" + base::lower(path);
    return base::lower(word);
  }
  return wrong(word,
               "is no registry; write a host and, if wanted, the beginning of a path: docker.io, "
               "registry.example.org:5000, ghcr.io/acme");
}

}  // namespace kilnwatch::policy
