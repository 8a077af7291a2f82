#include "engine/docker/calls.h"

#include <algorithm>
#include <utility>

namespace kilnwatch::engine::docker {

Call* Calls::receiving() const {
  return calls_.empty() || calls_.back()->request_done ? nullptr : calls_.back().get();
}

Call* Calls::answering() const {
  for (const auto& call : calls_) {
    if (!call->answer_done) return call.get();
  }
  return nullptr;
}

std::size_t Calls::waiting() const {
  return static_cast<std::size_t>(std::count_if(
      calls_.begin(), calls_.end(), [](const auto& call) { return !call->answer_done; }));
}

std::optional<std::uint64_t> Calls::held(domain::Direction direction) const {
  std::optional<std::uint64_t> lowest;
  for (const auto& call : calls_) {
    if (const auto place = call->held(direction))
      lowest = std::min(lowest.value_or(*place), *place);
  }
  return lowest;
}

std::size_t Calls::held_bytes() const {
  std::size_t sum = 0;
  for (const auto& call : calls_) sum += call->held_bytes();
  return sum;
}

void Calls::make_room(const Scene& scene) {
  if (calls_.size() < kMaxPending) return;
  scene.blind("more requests at once than are followed");
  calls_.front()->cut(scene, Cut::kLost);
  calls_.pop_front();
}

Call& Calls::add(const Scene& scene, std::unique_ptr<Call> call) {
  make_room(scene);
  return *calls_.emplace_back(std::move(call));
}

Call& Calls::add_unseen(const Scene& scene, bool first) {
  make_room(scene);
  auto call = scene.api->unseen();
  call->request_done = true;
  return first ? *calls_.emplace_front(std::move(call)) : *calls_.emplace_back(std::move(call));
}

void Calls::end_request(Call& call) {
  call.request_done = true;
  drop_done();
}

void Calls::end_answer(Call& call) {
  call.answer_done = true;
  drop_done();
}

void Calls::drop_done() {
  while (!calls_.empty() && calls_.front()->answer_done && calls_.front()->request_done)
    calls_.pop_front();
}

void Calls::drop_answered(const Scene& scene) {
  for (std::size_t i = 0; i + 1 < calls_.size(); ++i) {
    auto& call = *calls_[i];
    if (call.answer_done || calls_[i + 1]->head_read <= call.end_read) continue;
    call.cut(scene, Cut::kLost);
    call.answer_done = true;
  }
  drop_done();
}

void Calls::doubt(const Scene& scene) {
  const auto is_waiting_build = [](const auto& call) {
    return call->kind() == Kind::kBuild && !call->answer_done;
  };
  if (std::count_if(calls_.begin(), calls_.end(), is_waiting_build) != 1)
    return give_up(scene, Cut::kLost);
  std::size_t before = 0;
  bool passed = false;
  for (auto& call : calls_) {
    if (call->answer_done) continue;
    if (is_waiting_build(call)) {
      call->doubtful = before;
      call->answer_hole(scene, true);
      passed = true;
      continue;
    }
    before += passed ? 0 : 1;
    if (!call->unreadable.empty()) scene.blind(call->unreadable);
    call->cut(scene, Cut::kLost);
    call->answer_done = true;
  }
  drop_done();
}

void Calls::forgive() {
  for (auto& call : calls_) call->unreadable = {};
}

void Calls::give_up(const Scene& scene, Cut how) {
  for (auto& call : calls_) {
    if (call->answer_done) continue;
    if (!call->unreadable.empty()) scene.blind(call->unreadable);
    call->cut(scene, how);
  }
  calls_.clear();
}

}  // namespace kilnwatch::engine::docker
