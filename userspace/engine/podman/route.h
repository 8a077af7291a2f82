// Which call of podman's API a request is (podman: pkg/api/server/register_*.go).
#pragma once

#include <string_view>

#include "engine/docker/route.h"

namespace kilnwatch::engine::podman {

// The compat API has Docker's paths, with and without a version; podman's own stands below
// "/v<version>/libpod/", always with one. Kinds mean what they mean for docker.
struct Route : docker::Route {
  bool libpod = false;
  bool local = false;  // a build or load of what lies on the engine's host
};

// Paths match as they were sent (mux.UseEncodedPath), unlike dockerd's; a name within one is
// decoded afterwards (handlers/utils: GetName).
Route route_of(std::string_view method, std::string_view target);

}  // namespace kilnwatch::engine::podman
