// Events from the running kernel: loads and attaches the programs, reads the ring.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "capture/source.h"

namespace kilnwatch::capture {

// One program and whether this kernel can carry it.
struct Hook {
  std::string program;
  std::string target;  // kernel function or tracepoint
  bool available = false;
};

// What this kernel and these privileges allow, without loading anything.
struct Capabilities {
  bool privileged = false;  // effective uid 0 or CAP_BPF and CAP_PERFMON
  bool btf = false;
  bool cgroup2 = false;
  std::string kernel;
  std::vector<Hook> hooks;
};

Capabilities probe_capabilities();
domain::HostFacts read_host_facts();

// Fails with kEnvironment: no privilege, no BTF, a program that the kernel refuses.
base::Result<std::unique_ptr<EventSource>> open_live_source();

}  // namespace kilnwatch::capture
