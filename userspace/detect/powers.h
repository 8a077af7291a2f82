// What a container is given of its host. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "detect/devices.h"
#include "domain/api_fact.h"

namespace kilnwatch::detect {

// Of a host path that is mounted: who writes there is root on the host.
bool is_takeover_path(const std::string& bind);
// Of a capability, with or without CAP_, in any letter case.
bool is_takeover_capability(const std::string& capability);

// Of a mount as it is asked for: by its path, and whether it can be written.
Gives mount_gives(const std::string& bind);
// Of a capability, as far as the host can be taken over with what the container has besides.
bool takes_over(const std::string& capability, const domain::ContainerCreated& made);

// It can write below /proc/sys.
bool writes_settings(const domain::ContainerCreated& made);

// In words that are the same for the same request: "privileged", "/etc", "SYS_ADMIN".
struct Powers {
  std::vector<std::string> takes;    // by each of them the host can be taken over
  std::vector<std::string> reads;    // host paths and devices with secrets, which it can read only
  std::vector<std::string> unknown;  // containers whose mounts it has, which are not known
  std::uint32_t unread = 0;          // of what it is given, for want of room
  bool command = false;              // one in it has all capabilities
  bool empty() const {
    return takes.empty() && reads.empty() && unknown.empty() && unread == 0 && !command;
  }
};

// As far as the request shows them: where a path leads to on the host is not known, nor what an
// engine adds by itself.
Powers powers_of(const domain::ContainerCreated& made);

}  // namespace kilnwatch::detect
