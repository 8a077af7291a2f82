// Cgroup path → container id.
#pragma once

#include <string>

#include "domain/types.h"

namespace kilnwatch::identity {

// 64-hex id of docker, CRI and podman containers, 25-character id of BuildKit steps;
// empty when the cgroup belongs to no container. Pure; reads the deepest component that names one.
std::string container_of(const domain::Cgroup& cgroup);

// The innermost container is by its name of an engine that is not dockerd (CRI, podman). A parent
// that a build request may choose (cgroupparent) has no say in it.
bool of_other_engine(const domain::Cgroup& cgroup);

}  // namespace kilnwatch::identity
