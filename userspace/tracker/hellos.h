// The TLS hellos of QUIC clients, out of the first datagrams that each sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "domain/event.h"
#include "protocol/quic/initial_reader.h"
#include "tracker/limits.h"

namespace kilnwatch::tracker {

// Read at once. The kernel hands over some 16 KiB of each at most.
inline constexpr std::size_t kMaxHellos = 512;
// By then a destination is told, whatever was sent.
inline constexpr domain::TimeNs kHelloWait = 2 * kEgressWait;

class Hellos {
 public:
  // The hello, where more of it is known than before; nothing more once it is whole.
  std::optional<domain::EgressPayload> read(const domain::EgressDatagram& event);

  std::size_t size() const { return readings_.size(); }
  // Clients without room, and what was beyond a limit of one client's.
  std::uint64_t refused() const { return refused_; }

 private:
  struct Reading {
    protocol::quic::InitialReader reader;
    std::size_t told = 0;  // bytes of its hello
    bool whole = false;
  };
  bool make_room(domain::TimeNs now);

  std::unordered_map<domain::EgressId, Reading> readings_;
  std::deque<std::pair<domain::TimeNs, domain::EgressId>> order_;  // the oldest first
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::tracker
