// What a container may do, by its OCI runtime specification (config.md, config-linux.md).
#pragma once

#include <string>
#include <string_view>

#include "domain/api_fact.h"

namespace kilnwatch::engine::containerd {

// Fills in privileged, binds, capabilities beyond those that engines give to every container, and
// host namespaces. False: it cannot be read.
bool read_spec(std::string_view json, domain::ContainerCreated& out);

// What of it may be recorded, of equal length: nothing of environment, arguments and annotations.
std::string masked_spec(std::string_view json);

}  // namespace kilnwatch::engine::containerd
