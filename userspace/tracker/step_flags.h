// What the flags of a RUN instruction give a step beyond a sandbox.
#pragma once

#include <string_view>
#include <vector>

#include "domain/finding.h"

namespace kilnwatch::tracker {

// Of BuildKit's name of the step, which begins with its flags (buildkit: instructions/
// commands_runmount.go, commands_runnetwork.go, commands_runsecurity.go): secrets and agents by
// their ids, the host's network, no confinement. Never what a secret holds: a name has it nowhere.
// As many as kMaxFlags.
inline constexpr std::size_t kMaxFlags = 16;
std::vector<domain::Reason> flag_reasons(std::string_view name);

}  // namespace kilnwatch::tracker
