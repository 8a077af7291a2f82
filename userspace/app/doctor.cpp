// `doctor`: what this kernel and host allow, and what each missing thing costs.
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "app/commands.h"
#include "app/log.h"
#include "app/standard_streams.h"
#include "capture/live/probe.h"

namespace kilnwatch::app {
namespace {

// The ring is locked memory; the other maps and the program itself need about as much again.
constexpr std::uint64_t kRingsOfMemory = 4;

std::string row(bool good, std::string_view name, std::string_view cost) {
  return fmt::format("{:4} {:28} {}\n", good ? "ok" : "no", name, good ? "" : cost);
}

std::string_view cost_of(std::string_view target) {
  if (target.starts_with("inet6") || target.starts_with("udpv6") || target.starts_with("tcp_v6")) {
    return "IPv6 clients and destinations are not seen";
  }
  if (target.find("listen") != std::string_view::npos) {
    return "an engine started later is known by its first accept only";
  }
  if (target.find("connect") != std::string_view::npos) {
    return "the client's arguments are not known";
  }
  return "API conversations of engines are not seen on this kind of socket";
}

}  // namespace

int doctor() {
  if (auto usable = stdout_usable(); !usable) return fail(usable.error());
  const auto found = capture::probe_capabilities();
  const bool memory = found.free_bytes >= kRingsOfMemory * found.ring_bytes;
  bool good = true;
  std::string out = fmt::format("kernel {}\n", found.kernel);
  const auto need = [&](bool there, std::string_view name, std::string_view remedy) {
    out += row(there, name, remedy);
    good = good && there;
  };
  need(found.new_enough, "version",
       fmt::format("nothing can be loaded: run kernel {} or later", found.oldest));
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
  for (const auto& hook : found.hooks) {
    out += row(hook.available, hook.target, cost_of(hook.target));
    good = good && (hook.available || !hook.target.starts_with("unix_stream"));
  }
  out += good ? "the sensor can run here\n" : "the sensor cannot run here\n";
  if (auto written = write_stdout(out); !written) return fail(written.error());
  return good ? 0 : static_cast<int>(base::ErrorClass::kEnvironment);
}

}  // namespace kilnwatch::app
