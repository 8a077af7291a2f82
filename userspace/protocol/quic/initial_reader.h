// The TLS ClientHello in the first datagrams that a client sends to one destination (RFC
// 9001, 4.3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/quic/crypto_stream.h"
#include "protocol/quic/keys.h"

namespace kilnwatch::protocol::quic {

// Keys of one client: each Retry, and each connection that it begins anew, makes others.
inline constexpr std::size_t kMaxAttempts = 4;
// Behind each other in one send. A datagram has one or two.
inline constexpr std::size_t kMaxPackets = 16;

class InitialReader {
 public:
  // A datagram, or several behind each other, as the kernel is given them to cut (UDP_SEGMENT); in
  // any order.
  void add(std::string_view datagrams);
  // As far as it is known from its first byte on, in a record as over TCP; empty: nothing of it is.
  // Of several attempts the first one that is whole, else the one that is known best.
  std::string hello() const;
  bool whole() const;  // all of hello() is there
  // Packets, pieces and attempts beyond a limit.
  std::uint64_t refused() const;

 private:
  struct Attempt {
    Version version = Version::k1;
    std::string id;  // that its keys follow from
    Keys keys;
    CryptoStream stream = {};
  };
  void read(const LongPacket& packet);
  const Attempt* best() const;

  std::vector<Attempt> attempts_;
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::protocol::quic
