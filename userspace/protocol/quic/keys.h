// What protects a client's Initial packets (RFC 9001, 5; RFC 9369, 3.3). The keys follow from a
// connection id that is in the packet: they keep nothing secret.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/quic/packet.h"

namespace kilnwatch::protocol::quic {

struct Keys {
  std::array<std::uint8_t, 16> key{};
  std::array<std::uint8_t, 12> iv{};
  std::array<std::uint8_t, 16> header{};
};

// `id`: the destination of the client's first packet, or of its first one after a Retry. Nothing,
// here and below: libcrypto refused.
std::optional<Keys> client_keys(Version version, std::string_view id);

// The nonce of a packet (RFC 9001, 5.3).
std::array<std::uint8_t, 12> nonce_of(const Keys& keys, std::uint64_t number);
// What hides the low bits of the first byte, and the number (RFC 9001, 5.4).
std::optional<std::array<std::uint8_t, 5>> header_mask(const Keys& keys, std::string_view sample);

// The frames of an Initial packet; nothing where these keys did not protect it.
std::optional<std::string> open_packet(const Keys& keys, const LongPacket& packet);

}  // namespace kilnwatch::protocol::quic
