// The live loop that `run` and `capture` share.
#pragma once

#include <functional>
#include <limits>
#include <optional>

#include "app/options.h"
#include "app/pipeline.h"
#include "base/fd.h"
#include "fleet/shared.h"

namespace kilnwatch::app {

inline constexpr domain::TimeNs kNever = std::numeric_limits<domain::TimeNs>::max();

// SIGTERM, SIGINT, SIGHUP and SIGCHLD are blocked from now on: the loop reads them at its one
// waiting place, so that none is missed.
void hold_signals();
// In a child, before exec: as it was at the start of the program.
void release_signals();

struct Signal {
  int number = 0;
  bool from_terminal = false;  // the whole foreground group has it
};

struct Watch {
  baseline::Store* seen = nullptr;
  fleet::Shared* shared = nullptr;  // null: nothing is
  Pipeline::Emit emit;
  policy::Policy policy;
  // SIGHUP came: what to judge by from now on; nothing: as before. Not set: it is like others.
  std::function<std::optional<policy::Policy>()> reload;
  std::function<void()> armed;          // everything is attached
  std::function<bool()> keep_watching;  // asked after every round
  // A signal came; false: end. Not set: every one but SIGCHLD ends the watch.
  std::function<bool(const Signal&)> on_signal;
  int other_fd = -1;                // a round is due when it is readable
  domain::TimeNs wake_at = kNever;  // CLOCK_BOOTTIME: a round is due then
};

// Where they are read once they are held.
base::Fd open_signals();
// False: the watch is to end.
bool take_signals(const base::Fd& fd, const Watch& parts, Pipeline& pipeline);

// Returns the exit code. Every alert that was due has been emitted by then, and what was counted
// said on stderr. The functions of `parts` may change `parts`.
int watch(const Options& options, Watch& parts);

}  // namespace kilnwatch::app
