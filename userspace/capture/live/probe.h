// What this kernel and these privileges allow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "capture/live/hooks.h"
#include "domain/host.h"

namespace kilnwatch::capture {

struct Capabilities {
  std::string kernel;        // release
  bool new_enough = false;   // kOldestKernel or later
  bool privileged = false;   // CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON
  bool locked_down = false;  // kernel lockdown forbids reading kernel memory
  bool btf = false;          // types of the kernel can be read
  bool cgroup2 = false;      // the unified hierarchy is mounted
  std::uint64_t ring_bytes = 0;
  std::uint64_t free_bytes = 0;  // MemAvailable
  bool tracefs = false;          // kprobes can be made
  std::vector<Hook> hooks;       // where nothing could be tried: as if fentry were there
  std::optional<bool>
      loads;            // the kernel takes the programs of `hooks`; not set: nothing was tried
  std::string refusal;  // why it does not
};

// Loads the programs where that is possible, and attaches none.
Capabilities probe_capabilities(HookChoice choice);
domain::HostFacts read_host_facts();

// What needs no look into the kernel's types, cheapest first: version, privilege, lockdown, BTF
// file. kEnvironment with what to do.
base::Status preflight();

// The mode in brackets of /sys/kernel/security/lockdown is confidentiality.
bool forbids_reading(std::string_view lockdown);
// Of the CapEff line of /proc/PID/status.
bool may_load(std::string_view status);

}  // namespace kilnwatch::capture
