// Bytes written as hexadecimal digits; blanks and newlines between them do not count.
#pragma once

#include <string>
#include <string_view>

namespace kilnwatch::test {

inline std::string from_hex(std::string_view digits) {
  std::string bytes;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ' || c == '\n') continue;
    const int nibble = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = nibble;
    } else {
      bytes += static_cast<char>(high * 16 + nibble);
      high = -1;
    }
  }
  return bytes;
}

}  // namespace kilnwatch::test
