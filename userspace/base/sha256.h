// SHA-256 (FIPS 180-4) of a byte string, by libcrypto.
#pragma once

#include <string>
#include <string_view>

namespace kilnwatch::base {

// Lower-case hex, 64 characters.
std::string sha256_hex(std::string_view bytes);

}  // namespace kilnwatch::base
