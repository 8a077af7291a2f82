#include "app/held_moments.h"

#include <utility>

namespace kilnwatch::app {
namespace {

constexpr domain::TimeNs kWaitNs = std::chrono::nanoseconds(kFleetWait).count();

}  // namespace

void HeldMoments::add(tracker::Moment moment, fleet::Fleet::Ticket ticket) {
  held_.push_back({std::move(moment), ticket, 0});
}

void HeldMoments::release(domain::TimeNs now, const Judge& judge) {
  if (now != 0) {
    // Counted from the first look: the clock may have stood since it came.
    for (auto it = held_.rbegin(); it != held_.rend() && it->until == 0; ++it)
      it->until = now + kWaitNs;
  }
  while (!held_.empty()) {
    Held& first = held_.front();
    std::optional<fleet::Answer> answer;
    if (first.ticket != 0) {
      const bool waits = patience_ > std::chrono::milliseconds(0);
      if (waits) fleet_->wait(patience_);
      answer = fleet_->take(first.ticket);
      const bool over = waits || (now != 0 && now >= first.until);
      if (!answer && !over && held_.size() <= kMaxHeldMoments) return;
      if (!answer) {
        fleet_->drop(first.ticket);
        answer = fleet::Answer{};
      }
    }
    const Held held = std::move(first);
    held_.pop_front();
    judge(held.moment, answer);
  }
}

void HeldMoments::finish(const Judge& judge) {
  if (held_.empty()) return;
  fleet_->wait(kFleetWait);
  release(0, judge);
  constexpr auto kLast = static_cast<domain::TimeNs>(-1);
  for (Held& held : held_) held.until = 1;
  release(kLast, judge);
}

std::optional<domain::TimeNs> HeldMoments::due() const {
  if (held_.empty()) return std::nullopt;
  return held_.front().until == 0 ? 1 : held_.front().until;
}

}  // namespace kilnwatch::app
