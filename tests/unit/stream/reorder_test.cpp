#include "stream/reorder.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <vector>

#include "stream/event_cost.h"

namespace kilnwatch {
namespace {

using domain::Event;
using stream::ReorderWindow;
constexpr domain::TimeNs kMs = 1'000'000;

domain::ConnData bytes(domain::TimeNs time, std::uint64_t pos, std::size_t size = 1) {
  domain::ConnData data;
  data.time = time;
  data.conn = 1;
  data.pos = pos;
  data.span = static_cast<std::uint32_t>(size);
  data.bytes.assign(size, 'x');
  return data;
}

struct Window {
  explicit Window(domain::TimeNs window = stream::kReorderWindowNs)
      : reorder([this](const Event& event) { out.push_back(event); }, window) {}
  std::vector<domain::TimeNs> times() const {
    std::vector<domain::TimeNs> all;
    for (const Event& event : out) all.push_back(domain::time_of(event));
    return all;
  }
  std::vector<Event> out;
  ReorderWindow reorder;
};

TEST_CASE("an event goes once another is more than the window younger") {
  Window window;
  CHECK_FALSE(window.reorder.next_release());
  window.reorder.push(domain::Tick{100 * kMs});
  CHECK(window.reorder.next_release() == 150 * kMs + 1);
  window.reorder.push(domain::Tick{150 * kMs});
  CHECK(window.out.empty());
  window.reorder.push(domain::Tick{150 * kMs + 1});
  CHECK(window.times() == std::vector<domain::TimeNs>{100 * kMs});
  CHECK(window.reorder.next_release() == 200 * kMs + 1);
  window.reorder.flush();
  CHECK(window.out.size() == 3);
  CHECK_FALSE(window.reorder.next_release());
  CHECK(window.reorder.held_bytes() == 0);
  CHECK(window.reorder.forced() == 0);
}

TEST_CASE("a window of another length") {
  Window window(5 * kMs);
  window.reorder.push(domain::Tick{10 * kMs});
  window.reorder.push(domain::Tick{8 * kMs});
  CHECK(window.reorder.next_release() == 13 * kMs + 1);
  window.reorder.push(domain::Tick{14 * kMs});
  CHECK(window.times() == std::vector<domain::TimeNs>{8 * kMs});
  Window none(0);
  none.reorder.push(domain::Tick{1});
  none.reorder.push(domain::Tick{2});
  CHECK(none.times() == std::vector<domain::TimeNs>{1});
}

TEST_CASE("time passes without an event") {
  Window window;
  window.reorder.push(domain::Tick{100 * kMs});
  window.reorder.advance(150 * kMs);
  CHECK(window.out.empty());
  window.reorder.advance(*window.reorder.next_release());
  CHECK(window.out.size() == 1);
  window.reorder.advance(1);  // never back
  window.reorder.push(domain::Tick{100 * kMs});
  CHECK(window.out.size() == 2);
}

TEST_CASE("what comes too late still comes, at once") {
  Window window;
  window.reorder.push(domain::Tick{500 * kMs});
  window.reorder.push(domain::Tick{100 * kMs});
  CHECK(window.times() == std::vector<domain::TimeNs>{100 * kMs});
}

TEST_CASE("one order for any permutation within the window, equal times too") {
  std::vector<Event> events;
  for (domain::TimeNs i = 0; i < 40; ++i) {
    const domain::TimeNs time = i / 4 * 7 * kMs;
    events.emplace_back(bytes(time, i));
    events.emplace_back(domain::ProcessForked{time, 1, static_cast<std::uint32_t>(i), time});
    events.emplace_back(domain::KernelLoss{time, "ring", i});
    events.emplace_back(domain::KernelLoss{time, "calls", i});
  }
  const auto form = [](const std::vector<Event>& all) {
    std::string text;
    for (const Event& event : all) {
      text += std::to_string(domain::time_of(event)) + "/" + std::to_string(event.index());
      if (const auto* data = std::get_if<domain::ConnData>(&event))
        text += std::to_string(data->pos);
      if (const auto* fork = std::get_if<domain::ProcessForked>(&event))
        text += std::to_string(fork->pid);
      if (const auto* loss = std::get_if<domain::KernelLoss>(&event))
        text += loss->cause + std::to_string(loss->count);
      text += ' ';
    }
    return text;
  };
  std::string first;
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::pair<domain::TimeNs, std::size_t>> order;
    for (std::size_t i = 0; i < events.size(); ++i)
      order.emplace_back(domain::time_of(events[i]) + random() % (50 * kMs), i);
    std::sort(order.begin(), order.end());
    Window window;
    for (const auto& [key, i] : order) window.reorder.push(events[i]);
    window.reorder.flush();
    CHECK(std::is_sorted(window.out.begin(), window.out.end(), [](const Event& a, const Event& b) {
      return domain::time_of(a) < domain::time_of(b);
    }));
    if (first.empty()) first = form(window.out);
    CHECK(form(window.out) == first);
  }
}

TEST_CASE("at the limit the oldest go early and are counted") {
  Window window;
  constexpr std::size_t kPiece = 4096;
  const std::size_t each = stream::cost_of(bytes(1, 0, kPiece));
  const std::size_t fit = stream::kReorderBytes / each;
  CHECK(each > kPiece);
  for (std::size_t i = 0; i < fit + 7; ++i) window.reorder.push(bytes(1 + i, i * kPiece, kPiece));
  CHECK(window.reorder.forced() == 7);
  REQUIRE(window.out.size() == 7);
  CHECK(domain::time_of(window.out.front()) == 1);
  CHECK(window.reorder.held_bytes() <= stream::kReorderBytes);
  window.reorder.flush();
  CHECK(window.out.size() == fit + 7);
  CHECK(window.reorder.held_bytes() == 0);
}

TEST_CASE("the text of an event counts") {
  domain::ProcessExecuted exec;
  const auto bare = stream::cost_of(exec);
  exec.process.args = {std::string(1000, 'a')};
  exec.process.cgroup.path = std::string(500, 'b');
  CHECK(stream::cost_of(exec) >= bare + 1500);
  CHECK(stream::cost_of(domain::EgressPayload{1, 2, std::string(512, 'c')}) >= bare + 512);
}

}  // namespace
}  // namespace kilnwatch
