// What other hosts said of a moment, as a recording keeps it: no event, but part of what alerts
// hang on.
#pragma once

#include <cstdint>
#include <string>

#include "domain/types.h"

namespace kilnwatch::domain {

struct FleetAnswered {
  TimeNs time = 0;
  std::string moment;        // a hash of what was asked for which moment
  std::uint32_t answer = 0;  // 0 none in time, 1 nobody knew it, 2 known
  bool capped = false;
  bool known_name = false;
  std::string note = {};  // of an image
};

}  // namespace kilnwatch::domain
