// What a container is given of its host. Pure.
#pragma once

#include <string>
#include <vector>

#include "domain/api_fact.h"

namespace kilnwatch::detect {

// Of a host path that is mounted: who writes there is root on the host.
bool is_takeover_path(const std::string& bind);
// Of a capability, with or without CAP_, in any letter case.
bool is_takeover_capability(const std::string& capability);

// In words that are the same for the same request: "privileged", "/etc", "SYS_ADMIN".
struct Powers {
  std::vector<std::string> takes;  // by each of them the host can be taken over
  std::vector<std::string> reads;  // host paths with secrets, which it can read only
  bool empty() const { return takes.empty() && reads.empty(); }
};

// As far as the request shows them: where a path leads to on the host is not known, nor what an
// engine adds by itself.
Powers powers_of(const domain::ContainerCreated& made);

}  // namespace kilnwatch::detect
