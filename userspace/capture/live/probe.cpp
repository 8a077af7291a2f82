#include "capture/live/probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "capture/live/kernel_version.h"
#include "capture/live/libbpf_log.h"
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
    if (!text.empty()) kept_line() = std::move(text);
  }
  return 0;
}

struct SkeletonFree {
  void operator()(::probes* skeleton) const { probes__destroy(skeleton); }
};
struct BtfFree {
  void operator()(btf* types) const { btf__free(types); }
};

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

std::vector<Hook> probe_hooks(const ::probes& skeleton, const btf* types) {
  std::vector<Hook> hooks;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton.obj) {
    const std::string section = bpf_program__section_name(program);
    const auto slash = section.find('/');
    Hook hook{bpf_program__name(program), section.substr(slash + 1), true};
    if (section.starts_with("fentry/") || section.starts_with("fexit/")) {
      hook.available =
          types != nullptr && btf__find_by_name_kind(types, hook.target.c_str(), BTF_KIND_FUNC) > 0;
    }
    hooks.push_back(std::move(hook));
  }
  return hooks;
}

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

std::string machine() {
  utsname system{};
  ::uname(&system);
  return system.machine;
}

Capabilities probe_capabilities() {
  Capabilities out;
  keep_libbpf_log();
  out.kernel = read_host_facts().kernel;
  out.oldest = oldest_kernel(machine());
  out.new_enough = new_enough(out.kernel, machine());
  out.privileged = may_load(read_small_file("/proc/self/status"));
  out.locked_down = forbids_reading(read_small_file("/sys/kernel/security/lockdown"));
  out.cgroup2 = ::access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0;
  out.free_bytes = available_memory();
  const std::unique_ptr<btf, BtfFree> types(btf__load_vmlinux_btf());
  out.btf = types != nullptr && libbpf_get_error(types.get()) == 0;
  const std::unique_ptr<::probes, SkeletonFree> skeleton(probes__open());
  if (!skeleton) return out;
  out.ring_bytes = bpf_map__max_entries(skeleton->maps.events);
  out.hooks = probe_hooks(*skeleton, out.btf ? types.get() : nullptr);
  return out;
}

}  // namespace kilnwatch::capture
