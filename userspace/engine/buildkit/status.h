// StatusResponse: what BuildKit says of a build while it works (buildkit: control/control.go,
// Status).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/api_fact.h"
#include "engine/buildkit/step_secrets.h"

namespace kilnwatch::engine::buildkit {

// What of a message may be told or recorded, from its beginning: secrets '*', the output of steps
// and all that is not understood zero, every length as it was. Of a message that is cut its whole
// fields, and the tag of the one that follows.
std::string masked_status(std::string_view message, const StepSecrets& secrets);

// Whether this is what BuildKit says of a build's nodes: every part names one by its digest. No
// other answer of its does. Of a message that is cut its front.
bool is_status(std::string_view message);

class StatusReader {
 public:
  // Facts of a masked message. False: it is no StatusResponse, or it is cut (`whole` is false)
  // before its logs, which come last: something of a step may be missing.
  bool read(std::string_view masked, bool whole, domain::TimeNs time, domain::CallId call,
            std::vector<domain::ApiFact>& facts);
  std::size_t held_bytes() const { return export_.capacity(); }

 private:
  std::string export_;  // digest of the vertex that exports
};

}  // namespace kilnwatch::engine::buildkit
