#include "harness/mangle.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "engine/docker/start.h"

namespace kilnwatch::test {
namespace {

using namespace domain;

constexpr TimeNs kReportEvery = 1'000'000'000;  // LiveSource::report_drops
constexpr TimeNs kClockTick = 10'000'000;       // unit of /proc/PID/stat, capture/live/proc.cpp

struct Marks {
  bool lost = false;
  bool skipped = false;
};

// Counts drops and reports them once a second.
class Reports {
 public:
  explicit Reports(TimeNs start) : next_(start + kReportEvery) {}
  void until(TimeNs now, Events& out) {
    for (; next_ <= now; next_ += kReportEvery) {
      if (drops_ > 0) out.emplace_back(KernelLoss{next_, "ring", drops_});
      drops_ = 0;
    }
  }
  void drop() { ++drops_; }
  void last(Events& out) { until(next_, out); }

 private:
  TimeNs next_;
  std::uint64_t drops_ = 0;
};

}  // namespace

Events lose(const Events& events, const std::function<bool(std::size_t)>& gone, Told told) {
  Events out;
  if (events.empty()) return out;
  Reports reports(time_of(events.front()));
  std::map<std::pair<ConnId, Direction>, Marks> marks;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (told == Told::kMarked) reports.until(time_of(events[i]), out);
    const bool dropped = gone(i) && !std::holds_alternative<KernelLoss>(events[i]);
    const auto* data = std::get_if<ConnData>(&events[i]);
    if (dropped) {
      reports.drop();
      if (data == nullptr) continue;
      Marks& side = marks[{data->conn, data->direction}];
      side.lost = true;
      side.skipped |= data->skipped_before;
      continue;
    }
    out.push_back(events[i]);
    if (data == nullptr || told == Told::kNothing) continue;
    const Marks side = std::exchange(marks[{data->conn, data->direction}], Marks{});
    auto& kept = std::get<ConnData>(out.back());
    kept.lost_before |= side.lost;
    kept.skipped_before |= side.skipped;
  }
  if (told == Told::kMarked) reports.last(out);
  return out;
}

Events drop_every(const Events& events, std::size_t n, std::size_t offset, Told told) {
  return lose(
      events, [&](std::size_t i) { return i % n == offset; }, told);
}

namespace {

class LateStart {
 public:
  Events run(const Events& events, std::size_t first) {
    for (std::size_t i = 0; i < first && i < events.size(); ++i)
      std::visit([this](const auto& e) { missed(e); }, events[i]);
    if (first >= events.size()) return {};
    const TimeNs armed = time_of(events[first]);
    for (auto& [pid, process] : running_) {
      process.start -= process.start % kClockTick;
      out_.emplace_back(ProcessExecuted{armed > 0 ? armed - 1 : 0, process, true});
    }
    for (std::size_t i = first; i < events.size(); ++i)
      std::visit([this](const auto& e) { met(e); }, events[i]);
    return std::move(out_);
  }

 private:
  struct Open {
    ConnOpened opened;
    bool met = false;
    bool found = false;                                  // where a message of the client begins
    std::array<std::optional<std::uint64_t>, 2> origin;  // position 0 of this sensor
  };

  void missed(const ConnOpened& e) { open_[e.conn] = {e, false, false, {}}; }
  void missed(const ConnClosed& e) { open_.erase(e.conn); }
  void missed(const ProcessForked& e) {
    Process child = running_[e.parent_pid].pid == 0 ? Process{} : running_[e.parent_pid];
    if (running_[e.parent_pid].pid == 0) running_.erase(e.parent_pid);
    child.pid = e.pid;
    child.ppid = e.parent_pid;
    child.start = e.start;
    running_[e.pid] = child;
  }
  void missed(const ProcessExecuted& e) { running_[e.process.pid] = e.process; }
  void missed(const ProcessExited& e) { running_.erase(e.pid); }
  void missed(const EgressStarted& e) { egress_.insert(e.egress); }
  template <class Other>
  void missed(const Other&) {}

  void met(const ConnData& e) {
    const auto found = open_.find(e.conn);
    if (found == open_.end()) {
      out_.emplace_back(e);
      return;
    }
    Open& conn = found->second;
    if (!conn.met) {
      conn.met = true;
      conn.opened.midway = true;
      conn.opened.time = e.time;
      conn.opened.conn = number(e.conn);
      out_.emplace_back(conn.opened);
    }
    ConnData data = e;
    data.conn = conn.opened.conn;
    auto& origin = conn.origin[static_cast<std::size_t>(e.direction)];
    if (!origin) {
      origin = e.pos;
      data.lost_before = true;
    }
    // As the kernel side looks for it at the beginning of each socket call
    // (bpf/lib/filter/answer.bpf.h).
    if (e.direction == Direction::kRequest && !conn.found) {
      conn.found = engine::docker::may_be_frame(e.bytes) || engine::docker::may_be_request(e.bytes);
      data.at_head = conn.found;
    }
    data.pos -= std::min(*origin, data.pos);
    out_.emplace_back(std::move(data));
  }
  void met(const ConnClosed& e) {
    const auto found = open_.find(e.conn);
    if (found == open_.end()) {
      out_.emplace_back(e);
      return;
    }
    if (found->second.met) out_.emplace_back(ConnClosed{e.time, found->second.opened.conn});
    open_.erase(found);
  }
  void met(const EgressPayload& e) {
    if (!egress_.contains(e.egress)) out_.emplace_back(e);
  }
  void met(const EgressOutcome& e) {
    if (!egress_.contains(e.egress)) out_.emplace_back(e);
  }
  template <class Other>
  void met(const Other& e) {
    out_.emplace_back(e);
  }

  // Another sensor numbers connections otherwise; real numbers are times with a CPU below.
  static ConnId number(ConnId conn) { return conn | ConnId{1} << 63; }

  std::map<ConnId, Open> open_;
  std::map<std::uint32_t, Process> running_;
  std::set<EgressId> egress_;
  Events out_;
};

}  // namespace

Events late_start(const Events& events, std::size_t first) {
  return LateStart().run(events, first);
}

Events permute(const Events& events, TimeNs window, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::pair<TimeNs, std::size_t>> keys;
  for (std::size_t i = 0; i < events.size(); ++i) {
    // Modulo: the same on every standard library, unlike uniform_int_distribution.
    keys.emplace_back(time_of(events[i]) + (window > 0 ? random() % window : 0), i);
  }
  std::sort(keys.begin(), keys.end());
  Events ordered;
  ordered.reserve(events.size());
  for (const auto& key : keys) ordered.push_back(events[key.second]);
  return ordered;
}

Events repeat(const Events& events) {
  Events twice;
  for (const Event& event : events) {
    twice.push_back(event);
    if (!std::holds_alternative<KernelLoss>(event)) twice.push_back(event);
  }
  return twice;
}

}  // namespace kilnwatch::test
