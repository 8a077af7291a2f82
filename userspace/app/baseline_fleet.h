// `baseline … --scope fleet`: what the hosts that share a baseline know, as the server that the
// configuration names has it.
#pragma once

#include <string>

#include "app/options.h"

namespace kilnwatch::app {

inline constexpr const char* kFleetScope = "fleet";

// `json`: one object a line, else a table.
int list_fleet(const Options& options, bool json);
int count_fleet(const Options& options);
// `key`: of a destination, as the local baseline has it.
int add_to_fleet(const Options& options, const std::string& key);
int forget_of_fleet(const Options& options, const std::string& key);

}  // namespace kilnwatch::app
