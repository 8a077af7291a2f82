// What this kernel and these privileges allow; loads nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/host.h"

struct probes;
struct btf;

namespace kilnwatch::capture {

// One program and whether this kernel can carry it.
struct Hook {
  std::string program;
  std::string target;  // kernel function or tracepoint
  bool available = false;
};

struct Capabilities {
  std::string kernel;        // release
  std::string oldest;        // release that will do on this machine
  bool new_enough = false;   // that, or later
  bool privileged = false;   // CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON
  bool locked_down = false;  // kernel lockdown forbids reading kernel memory
  bool btf = false;          // types of the kernel can be read
  bool cgroup2 = false;      // the unified hierarchy is mounted
  std::uint64_t ring_bytes = 0;
  std::uint64_t free_bytes = 0;  // MemAvailable
  std::vector<Hook> hooks;
};

Capabilities probe_capabilities();
domain::HostFacts read_host_facts();

// What needs no look into the kernel's types, cheapest first: version, privilege, lockdown, BTF
// file. kEnvironment with what to do.
base::Status preflight();

std::string machine();  // as uname -m says it
// The mode in brackets of /sys/kernel/security/lockdown is confidentiality.
bool forbids_reading(std::string_view lockdown);
// Of the CapEff line of /proc/PID/status.
bool may_load(std::string_view status);

// fentry and fexit programs whose function this kernel does not have are not available.
std::vector<Hook> probe_hooks(const ::probes& skeleton, const btf* types);

}  // namespace kilnwatch::capture
