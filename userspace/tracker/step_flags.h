// What the flags of a RUN instruction give a step beyond a sandbox.
#pragma once

#include <string_view>
#include <vector>

#include "domain/finding.h"

namespace kilnwatch::tracker {

// Of BuildKit's name of the step, which begins with its flags (buildkit: instructions/
// commands_runmount.go, commands_runnetwork.go, commands_runsecurity.go): secrets and agents by
// their ids, the host's network, no confinement. Never what a secret holds: a name has it nowhere.
// Of mounts kMaxFlags are named, and the others counted.
inline constexpr std::size_t kMaxFlags = 16;
std::vector<domain::Reason> flag_reasons(std::string_view name);

// RUN --network=host, of a Dockerfile's instruction, too.
bool has_host_network(std::string_view instruction);

// Whether the step may have the network of the host by a flag of its own, which stands in its
// instruction or, where that is what ran, among `told`: flag_reasons. Where its instruction is not
// known for certain any RUN of the file may be it.
bool may_have_host_network(const domain::Build& build, const domain::Step& step,
                           const std::vector<domain::Reason>& told);

}  // namespace kilnwatch::tracker
