// `baseline list|export|stats --scope fleet`: what the hosts that share a baseline know, as the
// server that the configuration names has it.
#pragma once

#include "app/options.h"

namespace kilnwatch::app {

inline constexpr const char* kFleetScope = "fleet";

// `json`: one object a line, else a table.
int list_fleet(const Options& options, bool json);
int count_fleet(const Options& options);

}  // namespace kilnwatch::app
