// Alerts about the sensor itself that no build is behind.
#pragma once

#include <cstdint>
#include <string>

#include "domain/host.h"
#include "kilnwatch/v1/alert.pb.h"

namespace kilnwatch::sink {

// `count` alerts were dropped before they reached the stream; `wall_ns` (CLOCK_REALTIME) is now.
v1::Alert alerts_lost(const domain::HostFacts& host, std::uint64_t wall_ns, std::uint64_t count);

// A new configuration was refused, the one before it holds; `error` says where and why.
v1::Alert config_refused(const domain::HostFacts& host, std::uint64_t wall_ns,
                         const std::string& error);

}  // namespace kilnwatch::sink
