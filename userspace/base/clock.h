// The clocks of the host, for the edges of the program only: inside it, time is injected.
#pragma once

#include <cstdint>
#include <ctime>

namespace kilnwatch::base {

// CLOCK_BOOTTIME, CLOCK_REALTIME, … in nanoseconds.
inline std::uint64_t clock_ns(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_nsec);
}

}  // namespace kilnwatch::base
