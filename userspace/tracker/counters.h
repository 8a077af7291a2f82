// What a tracker did and holds, in numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace kilnwatch::tracker {

struct Counters {
  std::array<std::uint64_t, 6> ended{};    // builds, by BuildStatus
  std::uint64_t ignored_forged = 0;        // lines that could not be the builder's
  std::uint64_t names_refused = 0;         // names of destinations pushed out, or met without room
  std::uint64_t executions_refused = 0;    // in containers that reached out: no room
  std::uint64_t unknown_to_host = 0;       // connections that the baseline was not told of: no room
  std::uint64_t engine_calls_refused = 0;  // connections of engines, who sent them on: no room
};

// How many of each are held: all 0 once everything is over and has lingered.
struct Held {
  std::size_t builds = 0;
  std::size_t connections = 0;
  std::size_t peers = 0;
  std::size_t containers = 0;
  std::size_t flows = 0;
  std::size_t deploys = 0;
  std::size_t early_starts = 0;
  std::size_t deadlines = 0;
};

}  // namespace kilnwatch::tracker
