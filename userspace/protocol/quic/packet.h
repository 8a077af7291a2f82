// Packets with a long header (RFC 8999; RFC 9000, 17.2; RFC 9369, 3), as far as they can be read
// without keys, and QUIC's numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kilnwatch::protocol::quic {

inline constexpr std::size_t kMaxConnectionId = 20;  // RFC 9000, 17.2

enum class Version : std::uint32_t { k1 = 1, k2 = 0x6b3343cf };

struct LongPacket {
  Version version = Version::k1;
  bool initial = false;
  std::string_view destination;  // connection id
  std::size_t number_at = 0;     // where its protected number begins
  std::string_view bytes;        // all of it
};

// Reads forward; whatever lies beyond the end makes it `cut`, and reads as nothing.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool cut() const { return cut_; }
  bool empty() const { return at_ == bytes_.size(); }
  std::size_t at() const { return at_; }
  std::uint64_t fixed(std::size_t width);  // big endian
  std::uint64_t number();                  // of variable length (RFC 9000, 16)
  std::string_view take(std::uint64_t count);

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool cut_ = false;
};

// The packet at the front. Nothing: of another version, without a length (Retry, Version
// Negotiation), or not all there.
std::optional<LongPacket> read_long_packet(std::string_view text);

}  // namespace kilnwatch::protocol::quic
