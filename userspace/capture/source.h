// Where events come from: the running kernel (live/) or a recording (replay/).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "domain/event.h"

namespace kilnwatch::capture {

// Facts of the host that the alerts carry; a recording brings those of the host it was made on.
struct HostFacts {
  std::string name;
  std::string boot_id;
  std::string machine_id;
  std::string kernel;
  std::uint64_t wall_offset_ns = 0;  // wall clock minus boot clock
};

class EventSource {
 public:
  enum class State { kMore, kEnd };
  using Handler = std::function<void(domain::Event&&)>;

  virtual ~EventSource() = default;
  // Waits at most timeout_ms for events and hands each to the handler. Live: ends every call with a
  // Tick. Replay: kEnd after the last record; an error when the rest is damaged (what was whole
  // has been handed over by then).
  virtual base::Result<State> poll(int timeout_ms, const Handler& handler) = 0;
  virtual const HostFacts& host() const = 0;
};

}  // namespace kilnwatch::capture
