// Facts of a host that its alerts carry.
#pragma once

#include <cstdint>
#include <string>

namespace kilnwatch::domain {

// Replay: those of the host that the recording was made on.
struct HostFacts {
  std::string name;
  std::string boot_id;
  std::string machine_id;
  std::string kernel;
  std::uint64_t wall_offset_ns = 0;  // wall clock minus boot clock
};

}  // namespace kilnwatch::domain
