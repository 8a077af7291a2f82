// Base64 of RFC 4648 section 4, with padding: what encoding/json makes of bytes.
#pragma once

#include <string>
#include <string_view>

namespace kilnwatch::base {

// Reads on to the first group of four that is none; what was read up to there. `whole` (may be
// null): all of the text was.
std::string from_base64(std::string_view text, bool* whole = nullptr);

std::string to_base64(std::string_view bytes);

}  // namespace kilnwatch::base
