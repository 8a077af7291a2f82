// Names of hosts as DNS has them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/text.h"

namespace kilnwatch::base {

inline constexpr std::size_t kMaxHostName = 253;  // RFC 1035, 2.3.4, as text

// In lower case; empty when it is no name that DNS could have resolved: a literal address of IPv4
// or IPv6 is none. Underscores pass, as resolvers let them.
inline std::string host_name(std::string_view text) {
  std::string name = lower(text);
  const bool letters = name.find_first_of("abcdefghijklmnopqrstuvwxyz") != name.npos;
  const bool other = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") != name.npos;
  return letters && !other && name.size() <= kMaxHostName ? name : std::string{};
}

// Host and port of a URL, without the user (RFC 3986 section 3.2). `port`: as written, empty: none.
struct Authority {
  std::string_view host;
  std::string_view port;
};

// `rest`: what follows "//" in the URL.
inline Authority authority_of(std::string_view rest) {
  rest = rest.substr(0, rest.find_first_of("/?#"));
  rest.remove_prefix(rest.rfind('@') + 1);  // npos + 1: none
  Authority out{rest.substr(0, rest.find(':')), {}};
  if (const std::size_t end = rest.find(']'); rest.starts_with('[') && end != rest.npos) {
    out.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    rest.remove_prefix(out.host.size());
  }
  if (rest.starts_with(':')) out.port = rest.substr(1);
  return out;
}

// Whether a Host field (RFC 9110 section 7.2) has an address in the place of a name, with a port or
// without.
inline bool is_address_field(std::string_view field) {
  field.remove_prefix(field.rfind('@') + 1);  // npos + 1: none
  if (field.starts_with('[')) return true;
  const std::size_t colon = field.find(':');
  if (colon != field.npos && field.find(':', colon + 1) != field.npos) return true;
  field = field.substr(0, colon);
  return !field.empty() && field.find_first_not_of("0123456789.") == field.npos;
}

// Whether the part of an image's name before the first '/' is a registry's host: it has a dot or a
// port, or is "localhost", or is written with upper-case letters, which no path may have
// (distribution/reference: splitDockerDomain).
inline bool is_registry_host(std::string_view part) {
  return part.find_first_of(".:") != part.npos || part == "localhost" || lower(part) != part;
}

}  // namespace kilnwatch::base
