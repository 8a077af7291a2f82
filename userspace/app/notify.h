// Tells the service manager how far we are (sd_notify(3)).
#pragma once

#include <string_view>

namespace kilnwatch::app {

// One datagram with `state` ("READY=1") to the socket that NOTIFY_SOCKET names, a path or an
// abstract name ('@' first). No such variable, or nobody there: nothing happens.
void notify_manager(std::string_view state);

}  // namespace kilnwatch::app
