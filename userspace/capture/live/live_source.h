// Events from the running kernel: loads and attaches the programs, reads the ring.
#pragma once

#include <memory>
#include <optional>

#include "capture/live/hooks.h"
#include "capture/source.h"

namespace kilnwatch::capture {

class LiveSource : public EventSource {
 public:
  // Readable when poll() has events to hand over.
  virtual int ready_fd() const = 0;
  // When poll() is wanted without ready_fd() saying so (CLOCK_BOOTTIME, ns): the kernel's counters
  // of losses are to be read.
  virtual domain::TimeNs due() const = 0;
  // At the end: everything that the ring holds, at most kDrainPolls times a poll, and the losses up
  // to now.
  virtual void drain(const Handler& handler) = 0;
  // What is attached where.
  virtual const std::vector<Hook>& hooks() const = 0;
};

// Fails with kEnvironment: see preflight(), and a program that the kernel refuses.
base::Result<std::unique_ptr<LiveSource>> open_live_source(HookChoice choice);

}  // namespace kilnwatch::capture
