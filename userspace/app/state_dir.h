// The folder that holds what has to outlive a run.
#pragma once

#include <string>

#include "base/result.h"

namespace kilnwatch::app {

// Makes it (mode 0700) when it is not there. kEnvironment: cannot be made or written, is no folder,
// belongs to someone else, or others may write in it: they could teach the sensor what is normal.
base::Status make_state_dir(const std::string& path);

}  // namespace kilnwatch::app
