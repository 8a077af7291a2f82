// Devices that a container may use, as the OCI runtime specification lists them (config-linux.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/json/json.h"

namespace kilnwatch::engine {

// As domain::ContainerCreated::devices has rules. What is denied, and what may only be made
// (mknod), is left out: every container may make device files. Null: none.
void add_device_rules(const protocol::Json* rules, std::vector<std::string>& devices,
                      std::uint32_t& left_out);

}  // namespace kilnwatch::engine
