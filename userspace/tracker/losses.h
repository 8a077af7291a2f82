// What was lost and what that means, told at once and then at most once in an interval for each
// cause.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "domain/api_fact.h"
#include "domain/finding.h"

namespace kilnwatch::tracker {

inline constexpr domain::TimeNs kLossInterval = 60ull * 1'000'000'000;
// Of what says little and may go on for long.
inline constexpr domain::TimeNs kLongLossInterval = 60 * kLossInterval;
inline constexpr std::size_t kMaxLossNames = 32;  // of what was lost, in one alert
// The cause of containers that nobody was seen creating.
inline constexpr const char* kCreation = "creation";
inline constexpr std::size_t kMaxLosses = 1024;  // causes whose last alert is remembered

// In words; an empty `meaning`: nothing of a build or a deployment can be missing.
struct LossText {
  std::string what;
  std::string meaning;
  bool needs_build = false;  // harmless while no build is open
  bool of_builds = true;     // builds that are open may lack facts by it, and are named
  const char* names = "";    // code of the reason that names what was lost; empty: it has no names
  domain::TimeNs interval = kLossInterval;  // between two alerts
};
LossText text_of_loss(const std::string& cause);

class Losses {
 public:
  struct Due {
    std::uint64_t count = 0;              // 0: nothing to tell now
    std::uint32_t ordinal = 0;            // of this cause's alerts: part of the alert's identity
    domain::TimeNs next = 0;              // ask again then; 0: not before the next loss
    std::vector<std::string> names = {};  // of what was lost: the first kMaxLossNames
    bool named = false;                   // what was added last is named, now or in the next alert
  };
  // `call`: the build that lost facts; {} when none is known.
  // `name`: of what was lost; empty: it has none.
  Due add(const domain::CallId& call, const std::string& cause, std::uint64_t count,
          domain::TimeNs time, const std::string& name = {});
  // The interval of a cause is over: what came up in it.
  Due over(const domain::CallId& call, const std::string& cause, domain::TimeNs time);

 private:
  struct State {
    domain::TimeNs next = 0;
    std::uint64_t count = 0;
    std::uint32_t told = 0;
    std::vector<std::string> names;
  };
  using Key = std::pair<domain::CallId, std::string>;
  static Due tell(State& state, const std::string& cause, domain::TimeNs time);
  std::map<Key, State> states_;
};

}  // namespace kilnwatch::tracker
