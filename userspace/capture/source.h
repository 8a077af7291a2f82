// Where events come from: the running kernel (live/) or a recording (replay/).
#pragma once

#include <functional>

#include "base/result.h"
#include "domain/event.h"
#include "domain/host.h"

namespace kilnwatch::capture {

class EventSource {
 public:
  enum class State { kMore, kEnd };
  using Handler = std::function<void(domain::Event&&)>;

  virtual ~EventSource() = default;
  // Waits at most timeout_ms for events and hands each to the handler. Live: ends every call with a
  // Tick. Replay: kEnd after the last record; an error when the rest is damaged (what was whole
  // has been handed over by then).
  virtual base::Result<State> poll(int timeout_ms, const Handler& handler) = 0;
  virtual const domain::HostFacts& host() const = 0;
};

}  // namespace kilnwatch::capture
