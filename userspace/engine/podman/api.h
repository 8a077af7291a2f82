// podman's API: `podman system service`.
#pragma once

#include <string_view>

#include "engine/docker/call.h"

namespace kilnwatch::engine::podman {

extern const docker::Api kApi;

// The socket of an ssh agent that a build with --ssh has for its steps (buildah: pkg/sshagent): no
// API.
bool is_agent_socket(std::string_view path);

}  // namespace kilnwatch::engine::podman
