// POST /containers/create (moby: api/types/container, runconfig).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/api_fact.h"

namespace kilnwatch::engine::docker {

// The request's body; fields the engine's answer brings are left empty. HostConfig members are also
// taken from the top level, as engines up to 26 do. Nothing when it cannot be read.
std::optional<domain::ContainerCreated> parse_create(std::string_view json);

// "Id" of the answer; empty when there is none.
std::string created_id(std::string_view json);

// The body with secret bytes replaced by '*', of equal length: values of Env and all that looks
// secret.
std::string masked_create(std::string_view json);

}  // namespace kilnwatch::engine::docker
