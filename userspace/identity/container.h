// Cgroup path → container id.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domain/types.h"

namespace kilnwatch::identity {

// 64-hex id of docker, CRI and podman containers, 25-character id of BuildKit steps;
// empty when the cgroup belongs to no container. Pure; reads the deepest component that names one.
std::string container_of(const domain::Cgroup& cgroup);

// All of them that the path names, outermost first.
std::vector<std::string> containers_of(const domain::Cgroup& cgroup);

// A container of BuildKit's: one for each step that runs, made by the engine without a shim.
bool is_buildkit_step(std::string_view id);

// This process is the runtime of that step, and the engine's own: "runc … run --bundle
// <root>/executor/<id> --keep <id>" (moby: builder-next/executor_linux.go; buildkit:
// executor/runcexecutor; go-runc: Run). It stays while the step runs, and is the parent of the
// step's first process. `parent`: of the runtime, dockerd or buildkitd; null: not known. `home`:
// the container that this engine runs in; empty: none.
bool runs_buildkit_step(const domain::Process& runtime, const domain::Process* parent,
                        std::string_view id, std::string_view home = {});

// The innermost container is by its name of an engine that is not dockerd (CRI, podman). A parent
// that a build request may choose (cgroupparent) has no say in it.
bool of_other_engine(const domain::Cgroup& cgroup);

// A shim that serves another client of containerd than dockerd: "-namespace X" in its arguments
// (containerd: pkg/shim, parseFlags). One that names none serves nobody known.
bool of_other_namespace(const domain::Process& shim);

}  // namespace kilnwatch::identity
