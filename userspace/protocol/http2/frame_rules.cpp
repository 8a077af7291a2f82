#include "protocol/http2/frame_rules.h"

#include <array>
#include <cstddef>

namespace kilnwatch::protocol::http2 {
namespace {

constexpr std::size_t kTypes = 10;

// Flags that each type defines.
constexpr std::array<std::uint8_t, kTypes> kFlags = {
    kEndStream | kPadded,
    kEndStream | kEndHeaders | kPadded | kPriorityFlag,
    0,
    0,
    kAck,
    kEndHeaders | kPadded,
    kAck,
    0,
    0,
    kEndHeaders};

bool on_connection(Type type) {
  return type == Type::kSettings || type == Type::kPing || type == Type::kGoAway;
}

// Length of the fields before padding.
std::uint32_t least_length(const FrameHeader& header) {
  std::uint32_t least = 0;
  if (header.type == Type::kHeaders && header.has(kPriorityFlag)) least = 5;
  if (header.type == Type::kPushPromise) least = 4;
  const bool may_pad = header.type == Type::kData || header.type == Type::kHeaders ||
                       header.type == Type::kPushPromise;
  return least + (may_pad && header.has(kPadded) ? 1 : 0);
}

bool plausible(std::string_view raw, const FrameHeader& header) {
  const auto type = static_cast<std::size_t>(header.type);
  return type < kTypes && header.length <= kMaxFrame && violation_of(header).empty() &&
         (header.flags & ~kFlags[type]) == 0 && (static_cast<unsigned char>(raw[5]) & 0x80U) == 0 &&
         (header.type != Type::kPriority || header.length == 5);
}

bool opens_block(const FrameHeader& header) {
  return (header.type == Type::kHeaders || header.type == Type::kPushPromise ||
          header.type == Type::kContinuation) &&
         !header.has(kEndHeaders);
}

}  // namespace

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

FrameHeader read_frame_header(std::string_view raw) {
  return {big_endian(raw.substr(0, 3)), static_cast<Type>(raw[3]),
          static_cast<std::uint8_t>(raw[4]), big_endian(raw.substr(5, 4)) & 0x7fffffffU};
}

std::string_view violation_of(const FrameHeader& header) {
  const auto length = header.length;
  if (header.type != Type::kWindowUpdate && header.type <= Type::kContinuation &&
      on_connection(header.type) != (header.stream == 0)) {
    return header.stream == 0 ? "a frame that needs a stream has none"
                              : "a frame of the connection has a stream";
  }
  const bool size_wrong =
      (header.type == Type::kReset && length != 4) || (header.type == Type::kPing && length != 8) ||
      (header.type == Type::kWindowUpdate && length != 4) ||
      (header.type == Type::kGoAway && length < 8) ||
      (header.type == Type::kSettings && (length % 6 != 0 || (header.has(kAck) && length != 0))) ||
      length < least_length(header);
  return size_wrong ? "a frame has a size that its type cannot have" : std::string_view();
}

Chain find_chain(std::string_view bytes) {
  FrameHeader last;
  for (unsigned found = 1;; ++found) {
    if (bytes.size() < kFrameHeader) return Chain::kMore;
    const auto raw = bytes.substr(0, kFrameHeader);
    const auto header = read_frame_header(raw);
    if (!plausible(raw, header)) return Chain::kNone;
    const bool goes_on = header.type == Type::kContinuation;
    if (found > 1 && (goes_on != opens_block(last) || (goes_on && header.stream != last.stream)))
      return Chain::kNone;
    if (found == kChain) return Chain::kFound;
    if (bytes.size() - kFrameHeader < header.length) return Chain::kMore;
    bytes.remove_prefix(kFrameHeader + header.length);
    last = header;
  }
}

}  // namespace kilnwatch::protocol::http2
