// POST /libpod/containers/create (podman: pkg/specgen/specgen.go, namespaces.go).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/api_fact.h"

namespace kilnwatch::engine::podman {

// The request's body, a SpecGenerator; fields the answer brings are left empty. Nothing when it
// cannot be read.
std::optional<domain::ContainerCreated> parse_create(std::string_view json);

// The body with all strings replaced by '*' but keys and the values that parse_create reads, of
// equal length.
std::string masked_create(std::string_view json);

}  // namespace kilnwatch::engine::podman
