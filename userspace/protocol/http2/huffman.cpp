#include "protocol/http2/huffman.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace kilnwatch::protocol::http2 {
namespace {

constexpr std::size_t kSymbols = 257;  // the last one is the end of the string
constexpr std::size_t kEndOfString = 256;
constexpr unsigned kLongest = 30;  // bits
constexpr unsigned kPadding = 7;   // bits, at most

// Bits of each symbol's code. The code is canonical: codes of one length ascend with their symbols,
// and a longer code goes on where the shorter ones ended, so the lengths say it all.
constexpr std::array<std::uint8_t, kSymbols> kLengths = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,  // 0x00
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,  // 0x10
    6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,   // 0x20
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10,  // 0x30
    13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,   // 0x40
    7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,   // 0x50
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,   // 0x60
    6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28,  // 0x70
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,  // 0x80
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,  // 0x90
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,  // 0xa0
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,  // 0xb0
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,  // 0xc0
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,  // 0xd0
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,  // 0xe0
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,  // 0xf0
    30};

struct Code {
  std::array<std::uint32_t, kLongest + 1> first{};  // lowest code of that length
  std::array<std::uint32_t, kLongest + 1> count{};
  std::array<std::uint32_t, kLongest + 1> offset{};  // of its symbol in `symbols`
  std::array<std::uint16_t, kSymbols> symbols{};
};

constexpr Code make_code() {
  Code code;
  for (const auto length : kLengths) ++code.count[length];
  std::uint32_t placed = 0;
  for (unsigned length = 1; length <= kLongest; ++length) {
    code.first[length] = (code.first[length - 1] + code.count[length - 1]) << 1U;
    code.offset[length] = placed;
    for (std::size_t symbol = 0; symbol < kSymbols; ++symbol) {
      if (kLengths[symbol] == length) code.symbols[placed++] = static_cast<std::uint16_t>(symbol);
    }
  }
  return code;
}

constexpr Code kCode = make_code();
// Complete: the code after the last one of 30 bits is the first one of 31.
static_assert(kCode.first[kLongest] + kCode.count[kLongest] == 1U << kLongest);

}  // namespace

bool huffman_decode(std::string_view coded, std::string& out) {
  std::uint32_t code = 0;
  unsigned length = 0;
  for (const char c : coded) {
    for (unsigned bit = 8; bit-- > 0;) {
      code = code << 1U | (static_cast<unsigned char>(c) >> bit & 1U);
      ++length;
      const auto place = code - kCode.first[length];  // of a longer code: beyond the count
      if (place >= kCode.count[length]) continue;
      const auto symbol = kCode.symbols[kCode.offset[length] + place];
      if (symbol == kEndOfString) return false;
      out += static_cast<char>(symbol);
      code = 0;
      length = 0;
    }
  }
  return length <= kPadding && code == (1U << length) - 1;
}

}  // namespace kilnwatch::protocol::http2
