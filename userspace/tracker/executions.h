// What containers execute once they have reached out, until the connection that it may have come
// over is decided. Whether the container is a step is known by the connections that are told of it.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "domain/event.h"
#include "tracker/bounded.h"
#include "tracker/executed.h"
#include "tracker/limits.h"
#include "tracker/moment.h"

namespace kilnwatch::tracker {

class Executions {
 public:
  // True: it waits.
  bool note(const std::string& container, const domain::ProcessExecuted& event) {
    const std::string file = executed_file(event.process);
    if (file.empty() || event.midway) return false;
    // A file once: loops of compilers and tests execute few. A shell that reads what it is told is
    // another one each time.
    const std::string name = container + "/" + file;
    if (file != "-" && told_.contains(name)) return false;
    if (waiting_.size() >= kMaxExecutions) {
      ++refused_;
      return false;
    }
    told_.insert(name);
    Moment moment;
    moment.kind = MomentKind::kStepExecuted;
    moment.time = event.time;
    moment.place = container;
    moment.executed = event.process;
    waiting_.push_back(std::move(moment));
    return true;
  }

  // The oldest that waited until `due`; no time: whatever waits. Nothing: none.
  std::optional<Moment> take(std::optional<domain::TimeNs> due) {
    if (waiting_.empty() || (due && waiting_.front().time + kEgressWait >= *due))
      return std::nullopt;
    Moment moment = std::move(waiting_.front());
    waiting_.pop_front();
    return moment;
  }

  std::uint64_t refused() const { return refused_; }

 private:
  std::deque<Moment> waiting_;  // oldest first
  RecentNames told_{kMaxExecutedNames};
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::tracker
