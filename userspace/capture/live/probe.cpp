#include "capture/live/probe.h"

#include <bpf/libbpf.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "base/clock.h"
#include "base/text.h"
#include "capture/live/kernel_version.h"
#include "capture/live/kprobes.h"
#include "capture/live/libbpf_log.h"
#include "capture/live/loader.h"
#include "capture/live/proc.h"
#include "probes.skel.h"

namespace kilnwatch::capture {
namespace {

constexpr std::size_t kLineKept = 512;

std::string& kept_line() {
  static std::string line;
  return line;
}

int keep_line(enum libbpf_print_level level, const char* format, va_list args) {
  if (level == LIBBPF_DEBUG) return 0;
  std::array<char, kLineKept> line{};
  if (std::vsnprintf(line.data(), line.size(), format, args) > 0) {
    std::string text = base::trimmed(line.data());
    // What follows on a program that is refused says less and less of it.
    if (!text.empty() && kept_line().find("prog '") == std::string::npos)
      kept_line() = std::move(text);
  }
  return 0;
}

std::uint64_t available_memory() {
  constexpr std::string_view kField = "MemAvailable:";
  const auto text = read_small_file("/proc/meminfo");
  const auto at = text.find(kField);
  if (at == std::string::npos) return 0;
  return std::strtoull(text.c_str() + at + kField.size(), nullptr, 10) * 1024;
}

}  // namespace

void keep_libbpf_log() {
  libbpf_set_print(keep_line);
  kept_line().clear();
}

std::string last_libbpf_line() { return kept_line(); }

domain::HostFacts read_host_facts() {
  domain::HostFacts host;
  utsname system{};
  ::uname(&system);
  host.name = system.nodename;
  host.kernel = system.release;
  host.boot_id = base::trimmed(read_small_file("/proc/sys/kernel/random/boot_id"));
  host.machine_id = base::trimmed(read_small_file("/etc/machine-id"));
  host.wall_offset_ns = base::clock_ns(CLOCK_REALTIME) - base::clock_ns(CLOCK_BOOTTIME);
  return host;
}

Capabilities probe_capabilities(HookChoice choice) {
  Capabilities out;
  keep_libbpf_log();
  out.kernel = read_host_facts().kernel;
  out.new_enough = new_enough(out.kernel);
  out.privileged = may_load(read_small_file("/proc/self/status"));
  out.locked_down = forbids_reading(read_small_file("/sys/kernel/security/lockdown"));
  out.cgroup2 = ::access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0;
  out.free_bytes = available_memory();
  out.tracefs = Kprobes::possible();
  const bool may_try = out.new_enough && out.privileged && !out.locked_down;
  auto programs = open_programs(may_try ? choice : HookChoice::kFentry);
  out.btf = static_cast<bool>(programs);
  if (!programs) return out;
  out.ring_bytes = bpf_map__max_entries(programs->skeleton->maps.events);
  out.hooks = programs->hooks;
  if (!may_try) return out;
  const auto loaded = load_programs(*programs);
  out.loads = static_cast<bool>(loaded);
  if (!loaded) out.refusal = loaded.error().message;
  return out;
}

}  // namespace kilnwatch::capture
