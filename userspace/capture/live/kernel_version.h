// Which kernels the programs can run on.
#pragma once

#include <string_view>

namespace kilnwatch::capture {

// Ring buffer, boot-time clock and BTF of what the programs read.
inline constexpr std::string_view kOldestKernel = "5.10";

// "5.10.0-28-amd64" is at least kOldestKernel; false when it is no release.
bool new_enough(std::string_view release);

// From 6.15 on a program may keep its CPU while it calls functions that are verified on their own
// (Linux "bpf: Summarize sleepable global subprogs"); bpf_preempt_disable itself came with 6.10.
bool lets_programs_keep_cpu(std::string_view release);

// From 7.0 on every kernel of amd64 and arm64 preempts tasks in the kernel (PREEMPT_LAZY took the
// place of PREEMPT_NONE and PREEMPT_VOLUNTARY). False of earlier ones, which may have been built or
// booted so.
bool preempts_tasks(std::string_view release);

}  // namespace kilnwatch::capture
