// Ids of containers and images as engines write them without an algorithm.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/text.h"

namespace kilnwatch::base {

inline constexpr std::size_t kHexId = 64;  // digits of SHA-256

inline bool is_hex_id(std::string_view text) { return text.size() == kHexId && is_hex(text); }

}  // namespace kilnwatch::base
