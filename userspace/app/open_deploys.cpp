#include "app/open_deploys.h"

#include <algorithm>
#include <utility>

namespace kilnwatch::app {

void OpenDeploys::add(tracker::Moment moment) {
  if (fleet_ == nullptr) return;
  moment.told_before = true;
  open_.push_back({std::move(moment)});
  if (open_.size() <= kMaxOpenDeploys) return;
  if (open_.front().ticket != 0) fleet_->drop(open_.front().ticket);
  open_.pop_front();
  ++given_up_;
}

bool OpenDeploys::look_at(Open& one, domain::TimeNs now, const HeldMoments::Judge& judge) {
  if (one.ticket != 0) {
    const auto answer = fleet_->take(one.ticket);
    if (!answer) return false;
    one.ticket = 0;
    if (answer->kind == fleet::Answer::Kind::kKnown) judge(one.moment, answer);
    if (answer->kind != fleet::Answer::Kind::kNone) return true;
  }
  if (now == 0) return false;
  if (one.since == 0) {
    one.since = now;
    one.next = now + one.pause;
  }
  if (now < one.next) return false;
  if (now - one.since >= kOpenDeployFor) {
    ++given_up_;
    return true;
  }
  one.ticket = fleet_->ask_image(one.moment.foreign);
  one.pause = std::min(one.pause * 2, kLastPause);
  one.next = now + one.pause;
  return false;
}

void OpenDeploys::look(domain::TimeNs now, const HeldMoments::Judge& judge) {
  std::erase_if(open_, [&](Open& one) { return look_at(one, now, judge); });
}

std::optional<domain::TimeNs> OpenDeploys::due() const {
  std::optional<domain::TimeNs> first;
  for (const Open& one : open_) {
    if (one.ticket != 0) continue;  // its answer wakes us
    const domain::TimeNs at = one.since == 0 ? 1 : one.next;
    first = std::min(first.value_or(at), at);
  }
  return first;
}

}  // namespace kilnwatch::app
