// Deadlines in event time. An event that makes nothing due costs one comparison.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "domain/types.h"

namespace kilnwatch::tracker {

class Timers {
 public:
  // Gets its own due time, which may lie before the event that let it happen.
  using Act = std::function<void(domain::TimeNs due)>;

  void at(domain::TimeNs due, Act act) { queue_.emplace(due, std::move(act)); }

  // Runs what is due at `now`, oldest first, equal ones in the order they were set. An act may set
  // further ones.
  void run(domain::TimeNs now) {
    while (!queue_.empty() && queue_.begin()->first <= now) {
      auto node = queue_.extract(queue_.begin());
      node.mapped()(node.key());
    }
  }
  // When the first of them is due; none: nothing waits.
  std::optional<domain::TimeNs> next() const {
    if (queue_.empty()) return std::nullopt;
    return queue_.begin()->first;
  }
  bool empty() const { return queue_.empty(); }
  std::size_t size() const { return queue_.size(); }

 private:
  std::multimap<domain::TimeNs, Act> queue_;
};

}  // namespace kilnwatch::tracker
