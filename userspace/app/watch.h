// The live loop that `run` and `capture` share.
#pragma once

#include <functional>

#include "app/options.h"
#include "app/pipeline.h"

namespace kilnwatch::app {

// From now on SIGTERM and SIGINT only ask the loop to end; a closed stdout is an error, no signal.
void catch_signals();

struct Watch {
  detect::SeenStore* seen = nullptr;
  Pipeline::Emit emit;
  std::function<void()> armed;          // everything is attached
  std::function<bool()> keep_watching;  // asked after every poll
};

// Returns the exit code. Every alert that was due has been emitted by then.
int watch(const Options& options, const Watch& parts);

}  // namespace kilnwatch::app
