// The baseline of the state directory, as `run` and `replay --state-dir` use it.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "baseline/sqlite_store.h"

namespace kilnwatch::app {

// Makes folder and database where they are not there. A damaged one is set aside: a sensor that
// does not start sees nothing, a new baseline only tells more. Says what a user should know.
// `now`: 0: a new one is created with its first sighting.
base::Result<std::unique_ptr<baseline::SqliteStore>> open_baseline(const std::string& folder,
                                                                   baseline::Seconds now);

// Writes what waits. Says what was refused; kEnvironment: destinations could not be kept.
base::Status close_baseline(baseline::SqliteStore& store, const std::string& folder);

}  // namespace kilnwatch::app
