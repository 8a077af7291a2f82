// The layers that a step of BuildKit runs on, from the mounts of its runtime.
#pragma once

#include <cstddef>
#include <istream>
#include <string>
#include <vector>

#include "domain/types.h"

namespace kilnwatch::capture {

// Layers of one root that are looked at, topmost first: what a step stands on is told by the
// nearest one that a step made; below are those of the base image.
inline constexpr std::size_t kMaxLayers = 32;
inline constexpr std::size_t kMaxLayerName = 256;  // bytes
inline constexpr std::size_t kMaxMounts = std::size_t{4}
                                          << 20;  // bytes of /proc/PID/mountinfo read

// Where the root of the step is mounted that this process is the runtime of: "runc … run --bundle
// BUNDLE --keep ID" (moby: builder-next/executor_linux.go), BUNDLE/rootfs. Empty: of none.
std::string step_root_of(const domain::Process& process);

struct Layers {
  std::string upper;               // folder of the root's own layer
  std::vector<std::string> lower;  // names, topmost first
};

// Of the overlay that is mounted at `root` last, from the text of /proc/PID/mountinfo (proc(5)).
// dockerd's store names layers by short links, "…/l/NAME" (moby: overlay2.go); containerd's by
// their folders. Pure. Nothing found: empty.
Layers layers_in(std::istream& mountinfo, const std::string& root);

// Process::layers and layer_born of a runtime that still runs, as it sees the file system.
void read_layers(domain::Process& process);

}  // namespace kilnwatch::capture
