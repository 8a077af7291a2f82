// SHA-256 (FIPS 180-4) of a byte string.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kilnwatch::base {

std::array<std::uint8_t, 32> sha256(std::string_view bytes);

// Lower-case hex, 64 characters.
std::string sha256_hex(std::string_view bytes);

}  // namespace kilnwatch::base
