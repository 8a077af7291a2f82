// Fields that several wire records share → their domain form. Internal to decode/.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "domain/types.h"
#include "wire/events.h"

namespace kilnwatch::decode {

// Up to the first NUL or the end of the array.
template <std::size_t N>
std::string text_of(const char (&field)[N]) {
  const std::string_view all(field, N);
  return std::string(all.substr(0, all.find('\0')));
}

// RFC 5952, IPv4-mapped as IPv4. All zero with port 0 is "none": an empty Endpoint.
domain::Endpoint endpoint_of(const kw_address& address);

// Components leaf first, each ended by NUL, an empty one ends the list → "root/…/leaf".
std::string cgroup_path(std::string_view field);

// NUL-separated arguments → masked arguments. A last one without NUL was cut and is kept.
std::vector<std::string> arguments(std::string_view argv);

// Unix socket address; an abstract one (leading NUL) becomes '@' and its name.
std::string unix_path(std::string_view field);

// Everything but exe and args.
domain::Process process_of(const kw_task& task);

}  // namespace kilnwatch::decode
