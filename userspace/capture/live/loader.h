// The built-in programs: opened, chosen, loaded. What `run` attaches and `doctor` looks at.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "capture/live/hooks.h"

namespace kilnwatch::capture {

struct Programs {
  struct Free {
    void operator()(::probes* opened) const;
  };
  std::unique_ptr<::probes, Free> skeleton;
  std::vector<Hook> hooks;
};

// Nothing is loaded yet; see choose_hooks() for what is tried. kEnvironment where the kernel's
// types cannot be read.
base::Result<Programs> open_programs(HookChoice choice);

// Into the kernel, with the automaton of heads; nothing is attached. kEnvironment: it refuses one.
base::Status load_programs(Programs& programs);

}  // namespace kilnwatch::capture
