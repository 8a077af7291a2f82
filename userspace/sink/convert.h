// Finding → Alert.
#pragma once

#include <string>

#include "domain/finding.h"
#include "kilnwatch/v1/alert.pb.h"

namespace kilnwatch::sink {

struct HostFacts {
  std::string name;
  std::string boot_id;
  std::string machine_id;
  std::string kernel;
  std::uint64_t wall_offset_ns = 0;  // wall clock minus boot clock
};

v1::Alert to_alert(const domain::Finding& finding, const HostFacts& host);

}  // namespace kilnwatch::sink
