// Connections to engines, and who is at their other end.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <tuple>

#include "domain/event.h"

namespace kilnwatch::tracker {

// unix: the join number; tcp: both ends.
using PeerKey = std::tuple<std::uint64_t, domain::Endpoint, domain::Endpoint>;
struct Peer {
  std::optional<domain::ClientSeen> seen;
  std::size_t conns = 0;
};
struct Conn {
  domain::ConnOpened opened;
  domain::TimeNs closed = 0;
  domain::TimeNs active = 0;    // last bytes
  bool counted = false;         // in Peer::conns
  std::string home;             // the container that its engine runs in; empty: none
  std::string store;            // of its engine: see store_of
  std::uint32_t uid = 0;        // of its engine
  domain::TimeNs answered = 0;  // last bytes of the engine's
  bool asked = false;           // bytes of a request came
  std::string session;          // of a build whose request was not seen; empty: of none
  domain::TimeNs session_opened = 0;
};

}  // namespace kilnwatch::tracker
