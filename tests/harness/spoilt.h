// What every engine's scenes are held to: whole, in another order, with lost records, from a late
// start, and recorded.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "harness/replay_run.h"

namespace kilnwatch::test {

// Name and maker of the events.
using Scenes = std::vector<std::pair<std::string, std::function<Events()>>>;

Alerts alerts_of(const Events& events, Baseline baseline = Baseline::kForgets);
std::string text_of(const Alerts& alerts);
Alerts of_rule(const Alerts& alerts, const std::string& rule);
bool has_reason(const v1::Alert& alert, const std::string& code);

struct Recorded {
  Alerts live;          // of the run that was recorded
  Recording recording;  // of it, read back
};
// Fails the test where no recording comes of it.
Recorded record_run(const Events& events);

// Each fails the test where its claim does not hold.
void same_in_any_order(const Scenes& scenes, std::uint64_t permutations = 30);
// `judged`: which alerts of the spoilt run are compared with those of the whole one.
using Judged = std::function<Alerts(const Alerts&)>;
void never_wrong_with_losses(const Scenes& scenes, const Judged& judged = {});
void never_wrong_from_late_starts(const Scenes& scenes, std::size_t starts = 10,
                                  const Judged& judged = {});
// A recording gives the same alerts. `look`, where given, is shown each of them.
void same_from_recordings(const Scenes& scenes,
                          const std::function<void(const Recorded&)>& look = {});

// Nothing of what tests hide stands in the alerts or the events.
void no_canary(const Recorded& recorded);

}  // namespace kilnwatch::test
