// Deployments about whose image the fleet said nothing in time: nobody waits for it, and it is
// asked again until it answers, so that a server that is slow or gone costs no chain.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "app/held_moments.h"
#include "fleet/fleet.h"
#include "tracker/moment.h"

namespace kilnwatch::app {

inline constexpr std::size_t kMaxOpenDeploys = 256;
// A server that is away for longer is looked after; the alert would come too late to act on.
inline constexpr domain::TimeNs kOpenDeployFor = 900'000'000'000;
inline constexpr domain::TimeNs kFirstPause = 1'000'000'000;  // doubled each time
inline constexpr domain::TimeNs kLastPause = 60'000'000'000;

class OpenDeploys {
 public:
  // Null: nothing is kept.
  void join(fleet::Fleet* fleet) { fleet_ = fleet; }
  // It was judged as if nobody knew its image. Where there is no room the oldest one goes.
  void add(tracker::Moment moment);
  // Judges those of which others told by now, and asks again for what is due. `now`: of a steady
  // clock; 0: not known, nothing is asked again.
  void look(domain::TimeNs now, const HeldMoments::Judge& judge);
  // When look() has something to do without an answer; none: it has not.
  std::optional<domain::TimeNs> due() const;
  std::size_t open() const { return open_.size(); }
  // Of which nobody answered: for want of room or of time.
  std::uint64_t given_up() const { return given_up_; }

 private:
  struct Open {
    tracker::Moment moment;
    fleet::Fleet::Ticket ticket = 0;  // 0: not asked at the moment
    domain::TimeNs since = 0;         // 0: since the last look
    domain::TimeNs next = 0;
    domain::TimeNs pause = kFirstPause;
  };
  // True: it is over with it.
  bool look_at(Open& one, domain::TimeNs now, const HeldMoments::Judge& judge);

  fleet::Fleet* fleet_ = nullptr;
  std::deque<Open> open_;
  std::uint64_t given_up_ = 0;
};

}  // namespace kilnwatch::app
