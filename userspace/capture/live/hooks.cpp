#include "capture/live/hooks.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/fd.h"
#include "capture/live/kernel_version.h"
#include "capture/live/kprobes.h"
#include "probes.skel.h"

namespace kilnwatch::capture {
namespace {

bool has_function(const btf* types, const std::string& name) {
  return types != nullptr && btf__find_by_name_kind(types, name.c_str(), BTF_KIND_FUNC) > 0;
}

// Whether this kernel can attach to functions: arm64 loads such programs from 6.0 on, and attaches
// them from 6.4 on (Linux 2aa6ac03516d), where it was built with direct calls. Nobody calls this
// function often.
bool fentry_attaches(const btf* types) {
  const int id = types == nullptr ? 0 : btf__find_by_name_kind(types, "unix_listen", BTF_KIND_FUNC);
  if (id <= 0) return false;
  std::array<bpf_insn, 2> nothing{};  // return 0
  nothing[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  nothing[1].code = BPF_JMP | BPF_EXIT;
  bpf_prog_load_opts options{};
  options.sz = sizeof(options);
  options.expected_attach_type = BPF_TRACE_FEXIT;
  options.attach_btf_id = static_cast<std::uint32_t>(id);
  const base::Fd program(bpf_prog_load(BPF_PROG_TYPE_TRACING, "kw_trial", "GPL", nothing.data(),
                                       nothing.size(), &options));
  if (!program) return false;
  const base::Fd link(bpf_raw_tracepoint_open(nullptr, program.get()));
  return static_cast<bool>(link);
}

// A preempted fentry or tp_btf program costs all calls that other tasks make on its CPU in the
// meantime (__bpf_prog_enter_recur, __bpf_trace_run); programs of perf events are not preempted.
bool perf_is_better(std::string_view release) {
  return preempts_tasks(release) && Kprobes::possible();
}

// The record of this tracepoint names the child's thread only; the function has its task.
constexpr std::string_view kForked = "sched_process_fork";
constexpr std::string_view kWoken = "wake_up_new_task";

}  // namespace

Place place_of(std::string_view section) {
  struct Kind {
    std::string_view prefix;
    Road road;
    bool at_return;
  };
  constexpr std::array<Kind, 7> kKinds{{{"tp_btf/", Road::kTracepoint, false},
                                        {"tp/sched/", Road::kPerfTracepoint, false},
                                        {"tp/sock/", Road::kPerfTracepoint, false},
                                        {"fentry/", Road::kFentry, false},
                                        {"fexit/", Road::kFentry, true},
                                        {"kprobe/", Road::kKprobe, false},
                                        {"kretprobe/", Road::kKprobe, true}}};
  for (const auto& kind : kKinds) {
    if (section.starts_with(kind.prefix)) {
      const auto target = section.substr(kind.prefix.size());
      return {kind.road, std::string(target), std::string(target == kWoken ? kForked : target),
              kind.at_return};
    }
  }
  return {};
}

HookChoice choice_of(std::string_view word) {
  if (word == "fentry") return HookChoice::kFentry;
  return word == "kprobe" ? HookChoice::kKprobe : HookChoice::kAuto;
}

std::string_view name_of(Road road) {
  switch (road) {
    case Road::kTracepoint:
      return "tracepoint";
    case Road::kPerfTracepoint:
      return "perf tracepoint";
    case Road::kFentry:
      return "fentry";
    case Road::kKprobe:
      return "kprobe";
    case Road::kNone:
      break;
  }
  return "none";
}

std::vector<Hook> choose_hooks(const ::probes& skeleton, const btf* types, HookChoice choice,
                               std::string_view release) {
  const bool perf =
      choice == HookChoice::kKprobe || (choice == HookChoice::kAuto && perf_is_better(release));
  const bool fentry = choice == HookChoice::kFentry || (!perf && fentry_attaches(types));
  const auto road_to = [&](const std::string& function) {
    const bool known = has_function(types, function);
    if (known && fentry) return Road::kFentry;
    // A function that is not among the types may be one of a module.
    if (choice != HookChoice::kFentry && (known || Kprobes::can_probe(function)))
      return Road::kKprobe;
    return Road::kNone;
  };
  const auto road_of = [&](const Place& place) {
    if (place.hook == kForked) return perf ? Road::kKprobe : Road::kTracepoint;
    if (place.road == Road::kTracepoint || place.road == Road::kPerfTracepoint)
      return perf ? Road::kPerfTracepoint : Road::kTracepoint;
    return road_to(place.target);
  };
  std::vector<Hook> hooks;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton.obj) {
    const auto place = place_of(bpf_program__section_name(program));
    const auto same = [&](const Hook& hook) { return hook.target == place.hook; };
    if (std::any_of(hooks.begin(), hooks.end(), same)) continue;
    hooks.push_back({place.hook, road_of(place)});
  }
  return hooks;
}

void use_hooks(const ::probes& skeleton, const std::vector<Hook>& hooks) {
  std::map<std::string, Road> roads;
  bool kprobes = false;
  for (const auto& hook : hooks) {
    roads[hook.target] = hook.road;
    kprobes = kprobes || hook.road == Road::kKprobe;
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton.obj) {
    const auto place = place_of(bpf_program__section_name(program));
    bpf_program__set_autoload(program, roads[place.hook] == place.road);
    if (place.road == Road::kKprobe) bpf_program__set_autoattach(program, false);
  }
  bpf_map__set_autocreate(skeleton.maps.kept_arguments, kprobes);
}

}  // namespace kilnwatch::capture
