// Which kernels the programs can run on.
#pragma once

#include <string_view>

namespace kilnwatch::capture {

// "5.10"; "6.4" on "aarch64" (machine: as uname -m says it), which has no fentry and fexit before
// (Linux 2aa6ac03516d "arm64: ftrace: Add direct call support").
std::string_view oldest_kernel(std::string_view machine);

// "5.10.0-28-amd64" is at least oldest_kernel(machine); false when it is no release.
bool new_enough(std::string_view release, std::string_view machine);

}  // namespace kilnwatch::capture
