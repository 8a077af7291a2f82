// What the kernel side is told of the host's name servers: by which interface each is reached.
#pragma once

#include <cstdint>
#include <map>

#include "capture/live/resolvers.h"
#include "capture/live/routes.h"
#include "domain/types.h"

namespace kilnwatch::capture {

class ResolverMap {
 public:
  // `map`: of the kernel side (bpf/lib/filter/datagram.bpf.h: host_resolvers). Looks again where
  // the last look is a second old. Returns how many found no room in it.
  std::uint64_t update(int map, HostResolvers& resolvers, domain::TimeNs now);

 private:
  Routes routes_;
  std::map<AddressBytes, std::uint32_t> told_;
  domain::TimeNs due_ = 0;
};

}  // namespace kilnwatch::capture
