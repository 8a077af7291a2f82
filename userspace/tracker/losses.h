// What was lost and what that means, told at once and then at most once a minute for each cause.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "domain/api_fact.h"
#include "domain/finding.h"

namespace kilnwatch::tracker {

inline constexpr domain::TimeNs kLossInterval = 60ull * 1'000'000'000;
inline constexpr const char* kCreation = "creation";  // the cause of containers that nobody made
inline constexpr std::size_t kMaxLosses = 1024;       // causes whose last alert is remembered

// In words; an empty `meaning`: nothing of a build or a deployment can be missing.
struct LossText {
  std::string what;
  std::string meaning;
  bool needs_build = false;  // harmless while no build is open
  bool of_builds = true;     // a build may lack facts by it
};
LossText text_of_loss(const std::string& cause);

class Losses {
 public:
  struct Due {
    std::uint64_t count = 0;    // 0: nothing to tell now
    std::uint32_t ordinal = 0;  // of this cause's alerts: part of the alert's identity
    domain::TimeNs next = 0;    // ask again then; 0: not before the next loss
  };
  // `call`: the build that lost facts; {} when none is known.
  Due add(const domain::CallId& call, const std::string& cause, std::uint64_t count,
          domain::TimeNs time);
  // The interval of a cause is over: what came up in it.
  Due over(const domain::CallId& call, const std::string& cause, domain::TimeNs time);

 private:
  struct State {
    domain::TimeNs next = 0;
    std::uint64_t count = 0;
    std::uint32_t told = 0;
  };
  using Key = std::pair<domain::CallId, std::string>;
  static Due tell(State& state, domain::TimeNs time);
  std::map<Key, State> states_;
};

}  // namespace kilnwatch::tracker
