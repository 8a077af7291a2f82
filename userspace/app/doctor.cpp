// `doctor`: what this kernel and host allow, and what each missing thing costs.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.h"
#include "app/log.h"
#include "app/standard_streams.h"
#include "capture/live/kernel_version.h"
#include "capture/live/probe.h"
#include "capture/live/routes.h"

namespace kilnwatch::app {
namespace {

// The ring is locked memory; the other maps and the program itself need about as much again.
constexpr std::uint64_t kRingsOfMemory = 4;

std::string row(bool good, std::string_view name, std::string_view text) {
  return fmt::format("{:4} {:28} {}\n", good ? "ok" : "no", name, text);
}

std::string_view cost_of(std::string_view target) {
  if (target.find("sendpage") != std::string_view::npos) {
    return "nothing on kernels from 6.5 on: pages pass through sendmsg";
  }
  if (target == "skb_consume_udp") {
    return "destinations have no names by DNS";
  }
  if (target == "sk_alloc") {
    return "no name by DNS is believed: a step that sends under a resolver's address is not known";
  }
  if (target.ends_with("_forward")) {
    return "names that docker's own resolver gives are not verified";
  }
  if (target.starts_with("inet6") || target.starts_with("udpv6") || target.starts_with("tcp_v6")) {
    return "IPv6 clients and destinations are not seen";
  }
  if (target == "udp_sendmsg") return "UDP destinations are not seen";
  if (target.find("listen") != std::string_view::npos) {
    return "an engine started later is known by its first accept only";
  }
  if (target.find("connect") != std::string_view::npos) {
    return "the client's arguments are not known";
  }
  return "API conversations of engines are not seen on this kind of socket";
}

// What the sensor cannot do without.
bool is_vital(std::string_view target) {
  return target == "unix_stream_recvmsg" || target == "unix_stream_sendmsg";
}

bool any_kprobe(const std::vector<capture::Hook>& hooks) {
  return std::any_of(hooks.begin(), hooks.end(),
                     [](const auto& hook) { return hook.road == capture::Road::kKprobe; });
}

}  // namespace

int doctor(const Options& options) {
  if (auto usable = stdout_usable(); !usable) return fail(usable.error());
  const auto found = capture::probe_capabilities(capture::choice_of(options.hooks));
  const bool memory = found.free_bytes >= kRingsOfMemory * found.ring_bytes;
  bool good = true;
  std::string out = fmt::format("kernel {}\n", found.kernel);
  const auto need = [&](bool there, std::string_view name, std::string_view remedy) {
    out += row(there, name, there ? "" : remedy);
    good = good && there;
  };
  need(found.new_enough, "version",
       fmt::format("nothing can be loaded: run kernel {} or later", capture::kOldestKernel));
  need(found.privileged, "privilege",
       "nothing can be loaded: run as root, or with CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE");
  need(!found.locked_down, "lockdown",
       "programs may not read kernel memory: boot with lockdown=integrity, or without it");
  need(found.btf, "BTF",
       "nothing can be loaded: run a kernel built with CONFIG_DEBUG_INFO_BTF, and mount /sys");
  need(found.cgroup2, "cgroup v2",
       "connections cannot be told apart by container: mount the unified hierarchy on "
       "/sys/fs/cgroup");
  need(memory, fmt::format("memory for a {} MiB ring", found.ring_bytes >> 20),
       fmt::format("only {} MiB are free", found.free_bytes >> 20));
  const bool hears = capture::host_network() != 0;
  out += row(hears, "the host's network",
             hears ? ""
                   : "names that docker's own resolver gives are not verified: run in the "
                     "network and PID namespaces of the host");
  for (const auto& hook : found.hooks) {
    const bool there = hook.road != capture::Road::kNone;
    // Where nothing could be tried nobody knows the road.
    const auto road = found.loads ? capture::name_of(hook.road) : std::string_view();
    out += row(there, hook.target, there ? road : cost_of(hook.target));
    good = good && (there || !is_vital(hook.target));
  }
  if (found.loads) need(*found.loads, "programs load", found.refusal);
  if (found.loads && any_kprobe(found.hooks)) {
    need(found.tracefs, "tracefs", "no kprobe can be made: mount it on /sys/kernel/tracing");
    out +=
        row(false, "fentry", "kprobes stand in for it: every socket call on this host pays more");
  }
  out += good ? "the sensor can run here\n" : "the sensor cannot run here\n";
  if (auto written = write_stdout(out); !written) return fail(written.error());
  return good ? 0 : static_cast<int>(base::ErrorClass::kEnvironment);
}

}  // namespace kilnwatch::app
