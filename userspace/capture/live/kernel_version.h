// Which kernels the programs can run on.
#pragma once

#include <string_view>

namespace kilnwatch::capture {

// "5.10"; "6.4" on "aarch64" (machine: as uname -m says it), which has no fentry and fexit before
// (Linux 2aa6ac03516d "arm64: ftrace: Add direct call support").
std::string_view oldest_kernel(std::string_view machine);

// "5.10.0-28-amd64" is at least oldest_kernel(machine); false when it is no release.
bool new_enough(std::string_view release, std::string_view machine);

// From 6.15 on a program may keep its CPU while it calls functions that are verified on their own
// (Linux "bpf: Summarize sleepable global subprogs"); bpf_preempt_disable itself came with 6.10.
bool lets_programs_keep_cpu(std::string_view release);

}  // namespace kilnwatch::capture
