// Which kernels the programs can run on.
#pragma once

#include <string_view>

namespace kilnwatch::capture {

// Ring buffer, boot-time clock and BTF of what the programs read.
inline constexpr std::string_view kOldestKernel = "5.10";

// "5.10.0-28-amd64" is at least kOldestKernel; false when it is no release.
bool new_enough(std::string_view release);

}  // namespace kilnwatch::capture
