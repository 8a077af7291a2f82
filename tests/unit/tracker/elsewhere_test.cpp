// Connections that are no build step's: known to the host, told to nobody.
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using tracker::Moment;
using tracker::MomentKind;

namespace {

constexpr TimeNs kStart = 1'000 * kMs;

EgressStarted on_host(TimeNs time, EgressId id, const std::string& ip) {
  Process process;
  process.pid = 50;
  process.start = 50;
  process.cgroup = {3, "system.slice/apt.service"};
  return {time, id, 6, Outcome::kPending, {ip, 443}, process};
}

std::vector<Moment> elsewhere(tracker::Tracker& tracker) {
  std::vector<Moment> out;
  for (auto& moment : tracker.take()) {
    if (moment.kind == MomentKind::kHostEgress) out.push_back(std::move(moment));
  }
  return out;
}

}  // namespace

TEST_CASE("A process of the host makes its destination known, with the name that it claims") {
  tracker::Tracker tracker("boot");
  tracker.observe(on_host(kStart, 1, "192.0.2.1"));
  tracker.observe(on_host(kStart, 1, "192.0.2.1"));
  tracker.observe(EgressPayload{kStart + kMs, 1, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"});
  tracker.observe(Tick{kStart + tracker::kEgressWait});
  CHECK(elsewhere(tracker).empty());
  REQUIRE(tracker.due());
  tracker.observe(Tick{*tracker.due()});
  const auto told = elsewhere(tracker);
  REQUIRE(told.size() == 1);
  CHECK(told[0].connection->destination == Endpoint{"192.0.2.1", 443});
  CHECK(told[0].connection->http_host == "a.test");
  CHECK(told[0].time == kStart + tracker::kEgressWait + 1);
  CHECK_FALSE(tracker.due());
}

TEST_CASE("The host's loopback counts, a container's is its own") {
  tracker::Tracker tracker("boot");
  tracker.observe(on_host(kStart, 1, "127.0.0.1"));
  auto inside = on_host(kStart, 2, "127.0.0.1");
  inside.process.cgroup = {200, "system.slice/docker-" + container('a') + ".scope"};
  tracker.observe(inside);
  inside.egress = 3;
  inside.destination.ip = "192.0.2.1";
  tracker.observe(inside);
  tracker.finish();
  CHECK(elsewhere(tracker).size() == 2);
}

TEST_CASE("What cannot be followed is counted") {
  tracker::Tracker tracker("boot");
  for (EgressId id = 1; id <= tracker::kMaxElsewhere + 2; ++id)
    tracker.observe(on_host(kStart, id, "192.0.2.1"));
  CHECK(tracker.counters().unknown_to_host == 2);
  tracker.finish();
  CHECK(elsewhere(tracker).size() == tracker::kMaxElsewhere);
}

TEST_CASE("A step's connection is new to the host when it is judged, another's is known") {
  Scene scene;
  scene.see(on_host(kStart, 50, "192.0.2.9"));
  scene.request(1, kStart + 1500 * kMs);
  scene.step(1, kStart + 1600 * kMs, 2, 'a');
  scene.connect(kStart + 1700 * kMs, 'a', "192.0.2.1", 1, 443);
  scene.connect(kStart + 1800 * kMs, 'a', "192.0.2.9", 2, 443);
  scene.end(1, kStart + 1900 * kMs);
  // No step: the same address later, out of another container.
  scene.start(kStart + 4000 * kMs, 'b');
  scene.connect(kStart + 4100 * kMs, 'b', "192.0.2.7", 3, 443);
  scene.request(2, kStart + 6000 * kMs);
  scene.step(2, kStart + 6100 * kMs, 2, 'c');
  scene.connect(kStart + 6200 * kMs, 'c', "192.0.2.7", 4, 443);
  scene.finish();
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 3);
  CHECK(found[0].connection->first_on_host);
  CHECK_FALSE(found[1].connection->first_on_host);
  CHECK(found[1].connection->first_in_builds);
  CHECK_FALSE(found[2].connection->first_on_host);
}
