#include "protocol/quic/packet.h"

namespace kilnwatch::protocol::quic {
namespace {

constexpr unsigned kLongForm = 0xc0;  // header form and fixed bit
constexpr unsigned kTypes = 4;
constexpr unsigned kRetry = 3;

// Initial, 0-RTT, Handshake, Retry; version 2 counts on from another one (RFC 9369, 3.2).
unsigned type_of(Version version, unsigned first) {
  const unsigned bits = first >> 4 & 3;
  return version == Version::k1 ? bits : (bits + kTypes - 1) % kTypes;
}

}  // namespace

std::uint64_t Reader::fixed(std::size_t width) {
  std::uint64_t value = 0;
  for (const char c : take(width)) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

std::uint64_t Reader::number() {
  if (empty()) {
    cut_ = true;
    return 0;
  }
  const std::size_t width = std::size_t{1} << (static_cast<std::uint8_t>(bytes_[at_]) >> 6);
  const std::uint64_t value = fixed(width);
  return cut_ ? 0 : value & ~(std::uint64_t{3} << (8 * width - 2));
}

std::string_view Reader::take(std::uint64_t count) {
  if (count > bytes_.size() - at_) {
    cut_ = true;
    at_ = bytes_.size();
    return {};
  }
  at_ += count;
  return bytes_.substr(at_ - count, count);
}

std::optional<LongPacket> read_long_packet(std::string_view text) {
  Reader reader(text);
  const auto first = static_cast<unsigned>(reader.fixed(1));
  LongPacket packet;
  packet.version = static_cast<Version>(reader.fixed(4));
  if ((first & kLongForm) != kLongForm) return std::nullopt;
  if (packet.version != Version::k1 && packet.version != Version::k2) return std::nullopt;
  const unsigned type = type_of(packet.version, first);
  if (type == kRetry) return std::nullopt;
  packet.initial = type == 0;
  packet.destination = reader.take(reader.fixed(1));
  const std::string_view source = reader.take(reader.fixed(1));
  if (packet.destination.size() > kMaxConnectionId || source.size() > kMaxConnectionId)
    return std::nullopt;
  if (packet.initial) reader.take(reader.number());  // token
  const std::uint64_t length = reader.number();
  packet.number_at = reader.at();
  reader.take(length);
  if (reader.cut()) return std::nullopt;
  packet.bytes = text.substr(0, reader.at());
  return packet;
}

}  // namespace kilnwatch::protocol::quic
