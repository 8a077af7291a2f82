#include "protocol/tar/tar.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <vector>

namespace kilnwatch::protocol {
namespace {

// Header fields: offset and length (POSIX.1-2001 ustar; GNU tar base-256 numbers).
constexpr std::size_t kNameLength = 100;
constexpr std::size_t kSizeOffset = 124, kSizeLength = 12;
constexpr std::size_t kSumOffset = 148, kSumLength = 8;
constexpr std::size_t kTypeOffset = 156;
constexpr std::size_t kMagicOffset = 257;
constexpr std::size_t kPrefixOffset = 345, kPrefixLength = 155;
constexpr std::size_t kMaxExtension = 1 << 20;  // archive/tar: maxSpecialFileSize

std::string_view text(std::string_view field) { return field.substr(0, field.find('\0')); }

std::optional<std::size_t> number(std::string_view field) {
  std::size_t value = 0;
  if (!field.empty() && (static_cast<unsigned char>(field[0]) & 0x80) != 0) {
    if ((static_cast<unsigned char>(field[0]) & 0x40) != 0) return std::nullopt;  // negative
    for (std::size_t i = 0; i < field.size(); ++i) {
      const auto byte = static_cast<unsigned char>(field[i]) & (i == 0 ? 0x7fU : 0xffU);
      if (value > (SIZE_MAX >> 10)) return std::nullopt;
      value = value << 8 | byte;
    }
    return value;
  }
  for (const char c : text(field)) {
    if (c == ' ') continue;
    if (c < '0' || c > '7' || value > (SIZE_MAX >> 10)) return std::nullopt;
    value = value * 8 + static_cast<std::size_t>(c - '0');
  }
  return value;
}

bool right_checksum(std::string_view header) {
  std::int64_t plain = 0, with_sign = 0;
  for (std::size_t i = 0; i < kTarBlock; ++i) {
    const bool sum = i >= kSumOffset && i < kSumOffset + kSumLength;
    const char c = sum ? ' ' : header[i];
    plain += static_cast<unsigned char>(c);
    with_sign += static_cast<signed char>(c);
  }
  const auto told = number(header.substr(kSumOffset, kSumLength));
  return told && (static_cast<std::int64_t>(*told) == plain ||
                  static_cast<std::int64_t>(*told) == with_sign);
}

struct Extension {
  bool any = false;
  std::size_t first = 0;  // offset of its first header
  std::string name;       // empty: the member's own
  bool has_size = false;
  std::size_t size = 0;
};

// "27 path=dir/file\n" records; the last one of a key counts.
void pax_records(std::string_view records, Extension& out) {
  while (!records.empty()) {
    std::size_t length = 0;
    const auto [end, error] =
        std::from_chars(records.data(), records.data() + records.size(), length);
    const auto lead = static_cast<std::size_t>(end - records.data());
    if (error != std::errc{} || length > records.size() || length < lead + 2) return;
    auto record = records.substr(lead + 1, length - lead - 2);
    records.remove_prefix(length);
    if (record.starts_with("path=")) out.name = record.substr(5);
    if (record.starts_with("size=")) {
      std::size_t value = 0;
      const auto digits = record.substr(5);
      if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec == std::errc{}) {
        out.size = value;
        out.has_size = true;
      }
    }
  }
}

std::string member_name(std::string_view header) {
  std::string name(text(header.substr(0, kNameLength)));
  if (header.substr(kMagicOffset, 6) == std::string_view("ustar\0", 6)) {
    const auto prefix = text(header.substr(kPrefixOffset, kPrefixLength));
    if (!prefix.empty()) name = std::string(prefix) + "/" + name;
  }
  return name;
}

// Hands each member to `visit` (path, place, whether it is a regular file). Returns where a block
// of zeros stands in the place of a header; nothing: the front ends before, or is no archive from
// there.
template <class Visit>
std::optional<std::size_t> walk(std::string_view front, const Visit& visit) {
  Extension extension;  // of headers before the member
  for (std::size_t at = 0; at + kTarBlock <= front.size();) {
    const auto header = front.substr(at, kTarBlock);
    if (header.find_first_not_of('\0') == header.npos) return at;
    auto size = number(header.substr(kSizeOffset, kSizeLength));
    if (!size || !right_checksum(header)) return std::nullopt;
    const char type = header[kTypeOffset];
    const bool special = type == 'x' || type == 'g' || type == 'L' || type == 'K';
    if (!special && extension.has_size) size = extension.size;
    // Links, devices and folders have no content whatever their size says.
    if (type >= '1' && type <= '6') size = 0;
    if (*size > SIZE_MAX / 2) return std::nullopt;
    const auto content = at + kTarBlock;
    if (special) {
      if (content + *size > front.size() || *size > kMaxExtension) return std::nullopt;
      const auto data = front.substr(content, *size);
      if (!extension.any) extension.first = at;
      extension.any = true;
      if (type == 'x') pax_records(data, extension);
      if (type == 'L') extension.name = text(data);
    } else {
      const bool regular = type == '0' || type == '\0' || type == '7';
      visit(extension.name.empty() ? member_name(header) : extension.name,
            TarMember{extension.any ? extension.first : at, content, *size}, regular);
      extension = {};
    }
    at = content + (*size + kTarBlock - 1) / kTarBlock * kTarBlock;
  }
  return std::nullopt;
}

}  // namespace

std::string clean_path(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const auto part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
  }
  std::string out;
  for (const auto part : parts) {
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

std::optional<TarMember> find_tar_member(std::string_view front, std::string_view name) {
  std::optional<TarMember> found;
  const auto wanted = clean_path(name);
  walk(front, [&](const std::string& path, const TarMember& member, bool regular) {
    if (clean_path(path) != wanted) return;
    found.reset();
    if (regular && member.content + member.size <= front.size()) found = member;
  });
  return found;
}

std::optional<std::size_t> tar_end(std::string_view front) {
  const auto end = walk(front, [](const std::string&, const TarMember&, bool) {});
  if (!end || front.size() - *end < kTarEnd) return std::nullopt;
  if (front.substr(*end, kTarEnd).find_first_not_of('\0') != front.npos) return std::nullopt;
  return end;
}

}  // namespace kilnwatch::protocol
