// A request for a build and how it ended (buildkit: api/services/control/control.proto, Solve).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domain/api_fact.h"

namespace kilnwatch::engine::buildkit {

// What of a SolveRequest may be recorded, of equal length. Of a message that is cut its whole
// fields.
std::string masked_solve(std::string_view message);

struct Solve {
  // False: it says of itself that it builds nothing (the engine's own, or a question to the
  // frontend), or is cut before it could, and what it asks for does not show that it does.
  bool builds = true;
  domain::BuildRequested request;    // without time, call and path
  std::vector<std::string> secrets;  // values of build arguments, as they came
};

// Of a message, masked or not; of one that is cut what its whole fields say.
Solve read_solve(std::string_view message, bool whole = true);

// A build's reference, as it is kept.
std::string name_of(std::string_view value);

// LLBBridge/Solve: what a client that is its own frontend asks for.
std::string masked_bridge(std::string_view message);
bool bridge_builds(std::string_view message);

std::string masked_solved(std::string_view message);

struct Solved {
  std::vector<std::string> ids;  // "sha256:…" of the image, the one it is known by last
  std::vector<std::string> tags;
};

// SolveResponse.
Solved read_solved(std::string_view message);

// The ref that a StatusRequest asks for; empty: it is none.
std::string read_status_request(std::string_view message);

}  // namespace kilnwatch::engine::buildkit
