#include "stream/reorder.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "stream/event_cost.h"

namespace kilnwatch::stream {
namespace {

using Rank = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;

struct RankOf {
  Rank operator()(const domain::ConnOpened& e) const { return {e.conn, 0, 0}; }
  Rank operator()(const domain::ClientSeen& e) const { return {e.join, e.process.pid, 0}; }
  Rank operator()(const domain::ConnData& e) const {
    return {e.conn, e.pos, static_cast<std::uint64_t>(e.direction)};
  }
  Rank operator()(const domain::ConnClosed& e) const { return {e.conn, 0, 0}; }
  Rank operator()(const domain::ProcessForked& e) const { return {e.pid, e.parent_pid, 0}; }
  Rank operator()(const domain::ProcessExecuted& e) const { return {e.process.pid, 0, 0}; }
  Rank operator()(const domain::ProcessExited& e) const { return {e.pid, e.start, 0}; }
  Rank operator()(const domain::EgressStarted& e) const { return {e.egress, 0, 0}; }
  Rank operator()(const domain::EgressPayload& e) const { return {e.egress, e.bytes.size(), 0}; }
  Rank operator()(const domain::EgressSent& e) const { return {e.egress, e.first ? 0 : 1, 0}; }
  Rank operator()(const domain::EgressDatagram& e) const { return {e.egress, e.bytes.size(), 0}; }
  Rank operator()(const domain::EgressOutcome& e) const {
    return {e.egress, static_cast<std::uint64_t>(e.outcome), 0};
  }
  Rank operator()(const domain::KernelLoss& e) const {
    std::uint64_t cause = 0;  // several causes are reported at one time
    for (std::size_t i = 0; i < e.cause.size() && i < sizeof(cause); ++i)
      cause = cause << 8 | static_cast<unsigned char>(e.cause[i]);
    return {cause, e.count, 0};
  }
  Rank operator()(const domain::DockerfileRead& e) const { return {e.pid, e.start, 0}; }
  Rank operator()(const domain::StorageRead& e) const { return {e.pid, e.start, 0}; }
  Rank operator()(const domain::DnsAnswered& e) const {
    return {e.process.pid, e.resolver.port, e.bytes.size()};
  }
  Rank operator()(const domain::DnsBytes& e) const { return {e.stream, e.process.pid, e.length}; }
  Rank operator()(const domain::Tick&) const { return {0, 0, 0}; }
};

}  // namespace

void ReorderWindow::push(domain::Event event) {
  const auto time = domain::time_of(event);
  const auto [a, b, c] = std::visit(RankOf{}, event);
  const Key key{time, event.index(), a, b, c};
  bytes_ += cost_of(event);
  held_.emplace(key, std::move(event));
  advance(time);
  while (bytes_ > kReorderBytes) {
    ++forced_;
    release_first();
  }
}

void ReorderWindow::advance(domain::TimeNs now) {
  newest_ = std::max(newest_, now);
  while (!held_.empty() && due(held_.begin()->first) <= newest_) release_first();
}

// An event of the same time as the end of the window may still come: strictly older is due.
domain::TimeNs ReorderWindow::due(const Key& key) const {
  constexpr auto kEnd = std::numeric_limits<domain::TimeNs>::max();
  const auto time = std::get<0>(key);
  return time < kEnd - window_ ? time + window_ + 1 : kEnd;
}

std::optional<domain::TimeNs> ReorderWindow::next_release() const {
  if (held_.empty()) return std::nullopt;
  return due(held_.begin()->first);
}

void ReorderWindow::flush() {
  while (!held_.empty()) release_first();
}

void ReorderWindow::release_first() {
  auto node = held_.extract(held_.begin());
  bytes_ -= cost_of(node.mapped());
  out_(node.mapped());
}

}  // namespace kilnwatch::stream
