// Moments in their order, each of them held until the fleet has answered what was asked for it, or
// the time for that is over: the pipeline itself waits for nobody.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "fleet/fleet.h"
#include "tracker/moment.h"

namespace kilnwatch::app {

// How much later than without a fleet an alert may come: round trips across a continent, from a
// host that builds keep busy. A server that is known to be away costs nothing.
inline constexpr std::chrono::milliseconds kFleetWait(1000);
inline constexpr std::size_t kMaxHeldMoments = 4096;

class HeldMoments {
 public:
  using Judge = std::function<void(const tracker::Moment&, const std::optional<fleet::Answer>&)>;

  // Null: nothing is asked and nothing held. `patience`: not zero, whoever adds waits for the
  // answer at once, so long: nothing is held, and what is judged does not hang on how fast answers
  // come.
  void join(fleet::Fleet* fleet,
            std::chrono::milliseconds patience = std::chrono::milliseconds(0)) {
    fleet_ = fleet;
    patience_ = patience;
  }
  // `ticket` 0: nothing was asked for it.
  void add(tracker::Moment moment, fleet::Fleet::Ticket ticket);
  // Judges what has its answer. `now`: of a steady clock, and what is held too long is judged
  // without; 0: the time is not known.
  void release(domain::TimeNs now, const Judge& judge);
  // Nothing more comes.
  void finish(const Judge& judge);
  // When release() has something to do without an answer; none: it has not.
  std::optional<domain::TimeNs> due() const;

 private:
  struct Held {
    tracker::Moment moment;
    fleet::Fleet::Ticket ticket = 0;
    domain::TimeNs until = 0;  // 0: since the last look
  };
  fleet::Fleet* fleet_ = nullptr;
  std::chrono::milliseconds patience_{0};
  std::deque<Held> held_;
};

}  // namespace kilnwatch::app
