// Calls whose body may give a container more than it was created with.
#pragma once

#include <memory>

#include "engine/docker/call.h"

namespace kilnwatch::engine::docker {

// exec (moby: api/types/container, ExecOptions; podman's is the same), and a start with a
// HostConfig, which dockerd takes from clients of its API before 1.24 (moby: daemon/server/router/
// container, postContainersStart).
std::unique_ptr<Call> make_giving_call(domain::CallId id, Route route);

}  // namespace kilnwatch::engine::docker
