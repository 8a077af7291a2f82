#include "app/baseline_store.h"

#include <utility>

#include "app/log.h"
#include "app/state_dir.h"
#include "baseline/open.h"

namespace kilnwatch::app {

base::Result<std::unique_ptr<baseline::SqliteStore>> open_baseline(const std::string& folder,
                                                                   baseline::Seconds now) {
  if (auto made = make_state_dir(folder); !made) return made.error();
  auto opened = baseline::open_database({folder, now, baseline::Damage::kSetAside, true});
  if (!opened) return opened.error();
  for (const auto& note : opened->notes) say(Level::kWarning, note);
  return baseline::SqliteStore::make(std::move(opened->database));
}

base::Status close_baseline(baseline::SqliteStore& store, const std::string& folder) {
  store.finish();
  if (store.refused() + store.uncounted() + store.read_errors() > 0) {
    say(Level::kWarning, "baseline: " + std::to_string(store.refused()) +
                             " destinations had no room and count as new each time, of " +
                             std::to_string(store.uncounted()) + " the last time is not kept, " +
                             std::to_string(store.read_errors()) +
                             " could not be looked up and counted as new");
  }
  if (store.unwritten() == 0) return base::Done{};
  return base::Error{base::ErrorClass::kEnvironment,
                     std::to_string(store.unwritten()) + " destinations could not be kept in " +
                         folder + " (" + store.last_error() +
                         "); they count as new again after a restart"};
}

}  // namespace kilnwatch::app
