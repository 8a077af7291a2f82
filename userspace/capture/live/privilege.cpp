// The part of probe.h that needs no libbpf.
#include <unistd.h>

#include <charconv>

#include "capture/live/kernel_version.h"
#include "capture/live/probe.h"
#include "capture/live/proc.h"

namespace kilnwatch::capture {

using base::Error;
using base::ErrorClass;

bool forbids_reading(std::string_view lockdown) {
  return lockdown.find("[confidentiality]") != std::string_view::npos;
}

bool may_load(std::string_view status) {
  constexpr unsigned kSysAdmin = 21, kPerfmon = 38, kBpf = 39;  // linux/capability.h
  constexpr std::string_view kField = "CapEff:\t";
  const auto at = status.find(kField);
  if (at == std::string_view::npos) return false;
  const auto digits = status.substr(at + kField.size());
  std::uint64_t held = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), held, 16);
  const auto has = [held](unsigned bit) { return (held >> bit & 1) != 0; };
  return has(kSysAdmin) || (has(kBpf) && has(kPerfmon));
}

base::Status preflight() {
  const auto kernel = read_host_facts().kernel;
  if (!new_enough(kernel)) {
    return Error{ErrorClass::kEnvironment, "kernel " + kernel + " is too old; run " +
                                               std::string(kOldestKernel) +
                                               " or later, built with BTF"};
  }
  if (!may_load(read_small_file("/proc/self/status"))) {
    return Error{ErrorClass::kEnvironment,
                 "no privilege to load eBPF programs; run as root, or with CAP_BPF, CAP_PERFMON "
                 "and CAP_SYS_PTRACE"};
  }
  if (forbids_reading(read_small_file("/sys/kernel/security/lockdown"))) {
    return Error{ErrorClass::kEnvironment,
                 "kernel lockdown is in confidentiality mode: programs may not read kernel memory; "
                 "boot with lockdown=integrity, or without it"};
  }
  if (::access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
    return Error{ErrorClass::kEnvironment,
                 "this kernel has no BTF (/sys/kernel/btf/vmlinux cannot be read); run a kernel "
                 "built with CONFIG_DEBUG_INFO_BTF, and mount /sys"};
  }
  return base::Done{};
}

}  // namespace kilnwatch::capture
