#include "base/base64.h"

#include <array>
#include <cstdint>

namespace kilnwatch::base {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNone = 0xff;

constexpr std::array<std::uint8_t, 256> values() {
  std::array<std::uint8_t, 256> table{};
  table.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return table;
}
constexpr auto kValues = values();

}  // namespace

std::string from_base64(std::string_view text, bool* whole) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::size_t at = 0;
  bool ended = false;
  for (; text.size() - at >= 4 && !ended; at += 4) {
    std::size_t pad = 0;
    std::uint32_t group = 0;
    bool good = true;
    for (std::size_t i = 0; i < 4; ++i) {
      const char c = text[at + i];
      std::uint8_t value = kValues[static_cast<unsigned char>(c)];
      if (c == '=' && i >= 2) {
        value = 0;
        ++pad;
      } else if (pad > 0) {
        good = false;
      }
      good = good && value != kNone;
      group = group << 6 | (value & 63u);
    }
    if (!good) break;
    for (std::size_t i = 0; i < 3 - pad; ++i) out += static_cast<char>(group >> (16 - 8 * i));
    ended = pad > 0;
  }
  if (whole != nullptr) *whole = at == text.size();
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t n = bytes.size() - at < 3 ? bytes.size() - at : 3;
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < n ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i) out += i <= n ? kAlphabet[group >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

}  // namespace kilnwatch::base
