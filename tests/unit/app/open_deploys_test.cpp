// Deployments of images that the fleet did not speak of in time: asked again, never twice told.
#include "app/open_deploys.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <utility>

#include "harness/fake_fleet.h"

using namespace kilnwatch;
using Kind = fleet::Answer::Kind;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

struct Bench {
  Bench() { open.join(&fleet); }
  void add(const std::string& image) {
    tracker::Moment moment;
    moment.foreign = image;
    open.add(std::move(moment));
  }
  std::string look(std::uint64_t now) {
    told.clear();
    open.look(now, [this](const tracker::Moment& moment, const auto& answer) {
      CHECK(moment.told_before);
      CHECK(answer->kind == Kind::kKnown);
      told += moment.foreign;
    });
    return told;
  }
  test::FakeFleet fleet;
  app::OpenDeploys open;
  std::string told;
};

}  // namespace

TEST_CASE("It is asked again with growing pauses, and told once it is known") {
  Bench bench;
  bench.add("a");
  CHECK(bench.open.due() == 1);
  CHECK(bench.look(0).empty());
  CHECK(bench.fleet.images.empty());
  CHECK(bench.look(100 * kSecond).empty());
  CHECK(bench.open.due() == 101 * kSecond);
  CHECK(bench.look(101 * kSecond - 1).empty());
  CHECK(bench.fleet.images.empty());
  CHECK(bench.look(101 * kSecond).empty());
  CHECK(bench.fleet.images.size() == 1);
  CHECK_FALSE(bench.open.due());
  bench.fleet.answers[1] = {};
  CHECK(bench.look(102 * kSecond).empty());
  CHECK(bench.open.due() == 103 * kSecond);
  CHECK(bench.look(103 * kSecond).empty());
  CHECK(bench.fleet.images.size() == 2);
  bench.fleet.answers[2] = {Kind::kKnown, false, "note"};
  CHECK(bench.look(104 * kSecond) == "a");
  CHECK(bench.open.open() == 0);
  CHECK(bench.look(1000 * kSecond).empty());
  CHECK(bench.open.given_up() == 0);
}

TEST_CASE("What nobody built is asked for no longer") {
  Bench bench;
  bench.add("a");
  bench.look(100 * kSecond);
  bench.look(101 * kSecond);
  bench.fleet.answers[1] = {Kind::kNew, false, ""};
  CHECK(bench.look(102 * kSecond).empty());
  CHECK(bench.open.open() == 0);
}

TEST_CASE("Who never answers is given up, and counted") {
  Bench bench;
  bench.add("a");
  std::uint64_t second = 100, last = 0;
  for (; bench.open.open() > 0 && second < 2000; ++second) {
    bench.look(second * kSecond);
    if (bench.fleet.last == last) continue;
    last = bench.fleet.last;
    bench.fleet.answers[last] = {};
  }
  CHECK(second >= 1000);
  CHECK(second < 1070);
  CHECK(bench.fleet.images.size() < 25);
  CHECK(bench.open.given_up() == 1);
}

TEST_CASE("Where there is no room the oldest one goes") {
  Bench bench;
  bench.add("first");
  bench.look(100 * kSecond);
  bench.look(101 * kSecond);
  for (std::size_t i = 0; i < app::kMaxOpenDeploys; ++i) bench.add("b");
  CHECK(bench.open.open() == app::kMaxOpenDeploys);
  CHECK(bench.open.given_up() == 1);
  CHECK(bench.fleet.dropped == std::vector<std::string>{"first"});
}

TEST_CASE("Without a fleet nothing is kept") {
  app::OpenDeploys open;
  open.add({});
  CHECK(open.open() == 0);
}
