#include "protocol/tar/tar.h"

#include <algorithm>

namespace kilnwatch::protocol {
namespace {

constexpr std::size_t kNameLength = 100;
constexpr std::size_t kSizeOffset = 124;
constexpr std::size_t kSizeLength = 12;
constexpr std::size_t kMagicOffset = 257;

std::string_view text(std::string_view field) { return field.substr(0, field.find('\0')); }

std::optional<std::size_t> octal(std::string_view field) {
  std::size_t value = 0;
  for (const char c : text(field)) {
    if (c == ' ') continue;
    if (c < '0' || c > '7' || value > (SIZE_MAX >> 4)) return std::nullopt;
    value = value * 8 + static_cast<std::size_t>(c - '0');
  }
  return value;
}

}  // namespace

std::optional<TarMember> find_tar_member(std::string_view prefix, std::string_view name) {
  for (std::size_t at = 0; at + kTarBlock <= prefix.size();) {
    const auto header = prefix.substr(at, kTarBlock);
    if (header.substr(kMagicOffset, 5) != "ustar") return std::nullopt;
    const auto size = octal(header.substr(kSizeOffset, kSizeLength));
    if (!size || *size > SIZE_MAX / 2) return std::nullopt;
    auto member = text(header.substr(0, kNameLength));
    if (member.starts_with("./")) member.remove_prefix(2);
    const auto content = at + kTarBlock;
    if (member == name) {
      if (content + *size > prefix.size()) return std::nullopt;
      return TarMember{at, content, *size};
    }
    at = content + (*size + kTarBlock - 1) / kTarBlock * kTarBlock;
  }
  return std::nullopt;
}

}  // namespace kilnwatch::protocol
