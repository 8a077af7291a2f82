// Which of the built-in programs this kernel can carry, and by which road.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct probes;
struct btf;

namespace kilnwatch::capture {

enum class Road : std::uint8_t {
  kNone,  // the kernel has no such function
  kTracepoint,
  kPerfTracepoint,  // the same programs, by the tracepoint's record and never preempted
  kFentry,          // fentry and fexit
  kKprobe,  // kprobe and kretprobe: the same programs, dearer for every call of the function
};

// What may be used. kAuto: fentry where this kernel can attach it and does not preempt tasks in the
// kernel, else kprobe where that can be. With kKprobe, and where the kernel preempts tasks, also
// tracepoints are taken by the road that it does not preempt.
enum class HookChoice : std::uint8_t { kAuto, kFentry, kKprobe };
// "fentry", "kprobe"; kAuto of any other word.
HookChoice choice_of(std::string_view word);

struct Hook {
  std::string target;  // kernel function or tracepoint
  Road road = Road::kNone;
};

// A program's place, out of its section's name ("kretprobe/inet_recvmsg").
struct Place {
  Road road = Road::kNone;  // kNone: no program of ours
  std::string target;
  std::string hook;        // whose program it is: the target, or the tracepoint that it stands for
  bool at_return = false;  // fexit, kretprobe
};
Place place_of(std::string_view section);

// "fentry", "kprobe", "tracepoint", "perf tracepoint"; "none".
std::string_view name_of(Road road);

// One for each function and tracepoint that has a program. Attaches an empty program for a moment
// where `choice` leaves it open, and makes and removes probes of functions that `types` (null: not
// known) does not have. `release`: of this kernel.
std::vector<Hook> choose_hooks(const ::probes& skeleton, const btf* types, HookChoice choice,
                               std::string_view release);

// Programs of other roads are not loaded; kprobes are not attached with the skeleton (see Kprobes).
void use_hooks(const ::probes& skeleton, const std::vector<Hook>& hooks);

}  // namespace kilnwatch::capture
