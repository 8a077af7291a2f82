#include "engine/wire.h"

#include <algorithm>

namespace kilnwatch::engine {
namespace {

constexpr std::uint32_t kVarint = 0, kFixed64 = 1, kText = 2, kFixed32 = 5;
constexpr unsigned kMaxVarint = 10;  // bytes of 64 bits

}  // namespace

std::string blank(const Field& field) {
  std::string out(field.size, '\0');
  if (field.varint && field.size > 0) std::fill(out.begin(), out.end() - 1, '\x80');
  return out;
}

std::string text_of(std::string_view message, std::uint32_t number) {
  std::string_view found;
  Fields fields(message);
  Field field;
  while (fields.next(field)) {
    if (field.text && field.number == number) found = message.substr(field.at, field.size);
  }
  return std::string(found);
}

std::string message_of(std::string_view message, std::uint32_t number) {
  std::string found;
  Fields fields(message);
  Field field;
  while (fields.next(field)) {
    if (field.text && field.number == number) found += message.substr(field.at, field.size);
  }
  return found;
}

std::uint64_t number_of(std::string_view message, std::uint32_t number) {
  std::uint64_t found = 0;
  Fields fields(message);
  Field field;
  while (fields.next(field)) {
    if (field.varint && field.number == number) found = field.value;
  }
  return found;
}

bool is_whole(std::string_view message) {
  Fields fields(message);
  Field field;
  while (fields.next(field)) {
  }
  return fields.whole();
}

bool Fields::varint(std::uint64_t& value, std::size_t& at) const {
  value = 0;
  for (unsigned i = 0; i < kMaxVarint && at < bytes_.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes_[at++]);
    value |= static_cast<std::uint64_t>(byte & 0x7fu) << (7 * i);
    if (byte < 0x80) return true;
  }
  return false;
}

bool Fields::next(Field& field) {
  cut_in_ = 0;
  cut_ = {};
  std::size_t at = at_;
  std::uint64_t tag = 0, size = 0, value = 0;
  if (!varint(tag, at) || tag >> 3 == 0 || tag >> 32 != 0) return false;
  cut_in_ = static_cast<std::uint32_t>(tag >> 3);
  const auto kind = static_cast<std::uint32_t>(tag & 7);
  std::size_t begin = at;
  if (kind == kVarint) {
    if (!varint(value, at)) return false;
    size = at - begin;
  } else if (kind == kText) {
    if (!varint(size, at)) return false;
    begin = at;
  } else if (kind == kFixed64 || kind == kFixed32) {
    size = kind == kFixed64 ? 8 : 4;
  } else {
    return false;
  }
  if (size > bytes_.size() - begin) {
    if (kind == kText) cut_ = bytes_.substr(begin);
    return false;
  }
  field = {cut_in_, kind == kText, kind == kVarint, value, begin, static_cast<std::size_t>(size)};
  at_ = begin + field.size;
  cut_in_ = 0;
  return true;
}

}  // namespace kilnwatch::engine
