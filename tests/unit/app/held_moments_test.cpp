// Moments that wait for the fleet: in their order, and no longer than they may.
#include "app/held_moments.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/fake_fleet.h"

using namespace kilnwatch;
using Kind = fleet::Answer::Kind;

namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kWait = std::chrono::nanoseconds(app::kFleetWait).count();

struct Bench {
  Bench() { held.join(&fleet); }
  fleet::Fleet::Ticket add(const std::string& key, bool ask) {
    tracker::Moment moment;
    moment.key = key;
    const auto ticket = ask ? fleet.ask(key, "", "") : 0;
    held.add(std::move(moment), ticket);
    return ticket;
  }
  std::string release(std::uint64_t now) {
    judged.clear();
    held.release(now, judge());
    return judged;
  }
  app::HeldMoments::Judge judge() {
    return [this](const tracker::Moment& moment, const std::optional<fleet::Answer>& answer) {
      judged += moment.key;
      if (answer)
        judged += answer->kind == Kind::kNone ? "?" : answer->kind == Kind::kNew ? "!" : "=";
    };
  }
  test::FakeFleet fleet;
  app::HeldMoments held;
  std::string judged;
};

}  // namespace

TEST_CASE("What asks nothing is judged at once") {
  Bench bench;
  bench.add("a", false);
  bench.add("b", false);
  CHECK(bench.release(0) == "ab");
  CHECK_FALSE(bench.held.due());
}

TEST_CASE("What waits for its answer holds up what is behind it, and keeps the order") {
  Bench bench;
  const auto a = bench.add("a", true);
  bench.add("b", false);
  const auto c = bench.add("c", true);
  CHECK(bench.release(0).empty());
  bench.fleet.answers[c] = {Kind::kKnown, false, ""};
  CHECK(bench.release(0).empty());
  bench.fleet.answers[a] = {Kind::kNew, false, ""};
  CHECK(bench.release(0) == "a!bc=");
  CHECK(bench.fleet.dropped.empty());
}

TEST_CASE(
    "What is not answered in time is judged without, and the answer that is late is nobody's") {
  Bench bench;
  bench.add("a", true);
  bench.add("b", false);
  CHECK(bench.release(1000 * kMs).empty());
  CHECK(bench.held.due() == 1000 * kMs + kWait);
  bench.add("c", true);
  CHECK(bench.release(1000 * kMs + kWait - 1).empty());
  CHECK(bench.release(1000 * kMs + kWait) == "a?b");
  CHECK(bench.fleet.dropped == std::vector<std::string>{"a"});
  CHECK(bench.held.due() == 1000 * kMs + kWait - 1 + kWait);
}

TEST_CASE("The time of one counts from the first look at it, however long the clock stood before") {
  Bench bench;
  bench.add("a", true);
  CHECK(bench.release(0).empty());
  CHECK(bench.held.due() == 1);  // a look is due
  CHECK(bench.release(5000 * kMs).empty());
  CHECK(bench.held.due() == 5000 * kMs + kWait);
}

TEST_CASE("Beyond its limit the oldest waits no longer") {
  Bench bench;
  for (std::size_t i = 0; i <= app::kMaxHeldMoments; ++i) bench.add("x", true);
  CHECK(bench.release(0) == "x?");
  CHECK(bench.release(0).empty());
}

TEST_CASE("At the end all is judged") {
  Bench bench;
  bench.add("a", true);
  bench.add("b", false);
  bench.held.finish(bench.judge());
  CHECK(bench.judged == "a?b");
  CHECK(bench.fleet.waited);
  Bench nothing;
  nothing.held.finish(nothing.judge());
  CHECK_FALSE(nothing.fleet.waited);
}

TEST_CASE("Of a recording each answer is waited for, and nothing is held") {
  Bench bench;
  bench.held.join(&bench.fleet, std::chrono::milliseconds(1000));
  const auto a = bench.add("a", true);
  bench.fleet.answers[a] = {Kind::kKnown, false, ""};
  CHECK(bench.release(0) == "a=");
  CHECK(bench.fleet.waited);
  bench.add("b", true);  // nobody answers
  CHECK(bench.release(0) == "b?");
  CHECK(bench.fleet.dropped == std::vector<std::string>{"b"});
}
