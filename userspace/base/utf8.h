// UTF-8 as attackers write it: decoding that never fails, and text that a terminal shows as it is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kilnwatch::base {

// One character at the front of a text. Not valid: one byte that begins no character (RFC 3629:
// overlong forms, surrogates and what is beyond U+10FFFF included); code is that byte.
struct Character {
  char32_t code = 0;
  std::size_t size = 1;
  bool valid = false;
};

// `text` is not empty.
Character first_character(std::string_view text);

// Characters that a reader does not see or that change how the rest is shown: C0, C1, DEL, bidi
// marks, overrides and isolates, zero width, line and paragraph separator, byte order mark, tags.
bool invisible(char32_t code);

// Every invisible character and every byte that is not UTF-8 as \xNN, one for each byte: what is
// left can neither move a cursor nor begin a line nor turn the order of letters.
std::string visible(std::string_view text);

// Valid UTF-8: '?' in place of each byte that is not.
std::string valid_utf8(std::string_view text);

}  // namespace kilnwatch::base
