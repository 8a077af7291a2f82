// Connections and clients without end: what is kept stays bounded, and new ones are still known.
#include <catch2/catch_test_macros.hpp>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using namespace kilnwatch::test;

namespace {

ClientSeen client(TimeNs time, std::uint64_t join) {
  ClientSeen seen;
  seen.time = time;
  seen.join = join;
  seen.process.pid = 4242;
  seen.process.exe = "/usr/bin/curl";
  return seen;
}

ConnOpened accepted(TimeNs time, ConnId conn, std::uint64_t join) {
  ConnOpened opened;
  opened.time = time;
  opened.conn = conn;
  opened.join = join;
  opened.client_pid = 4242;
  return opened;
}

}  // namespace

TEST_CASE("Connections whose close was lost make room for new ones, those with a build do not") {
  Scene scene;
  scene.request(1, 100 * kMs);
  for (ConnId n = 2; n <= tracker::kMaxConnections + 10; ++n) scene.open(n, 200 * kMs + n);
  CHECK(scene.tracker().held().connections == tracker::kMaxConnections);
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
  CHECK(scene.of(Rule::kSensorBlind)[0].health->cause == "connection-table");
  // Those that were forgotten go on: their opening was seen.
  for (const ConnId n : {2, 3})
    scene.see(ConnData{60'000 * kMs, n, Direction::kRequest, 0, 4, false, false, true, "GET "});
  CHECK(scene.of(Rule::kSensorBlind).size() == 1);
  scene.pass(70'000 * kMs);
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 2);
  CHECK(scene.of(Rule::kSensorBlind)[1].health->count == 9);

  scene.request(90'000, 71'000 * kMs);
  scene.end(90'000, 71'100 * kMs);
  const auto found = scene.of(Rule::kBuildRequest);
  REQUIRE(found.size() == 2);
  CHECK(found[1].build->client.address.ip == "198.51.100.66");
  // The one with the open build, however idle, is still there: its close ends the build.
  scene.see(ConnClosed{72'000 * kMs, 1});
  scene.pass(80'000 * kMs);
  CHECK(scene.tracker().open_builds() == 0);
}

TEST_CASE("A client that connects and closes for ever sets no deadline each time") {
  Scene scene;
  constexpr std::uint64_t kSame = 1'000'000;  // never accepted
  for (ConnId n = 1; n <= 1000; ++n) {
    scene.see(client(n * kMs, n % 2 == 0 ? kSame : n));
    if (n % 2 == 0) continue;
    scene.see(accepted(n * kMs, n, n));
    scene.see(ConnClosed{n * kMs, n});
  }
  scene.pass(5000 * kMs);
  CHECK(scene.tracker().held().deadlines <= 2);
  CHECK(scene.tracker().held().peers == 1);
  scene.see(client(50'000 * kMs, kSame));
  scene.pass(61'500 * kMs);
  CHECK(scene.tracker().held().peers == 1);  // 60 s after it was seen last
  scene.pass(112'000 * kMs);
  CHECK(scene.tracker().held().peers == 0);
  CHECK(scene.tracker().held().deadlines == 0);
}

TEST_CASE("A connection that the full table of clients did not count is not counted down") {
  Scene scene;
  for (std::uint64_t n = 0; n < tracker::kMaxPeers; ++n) scene.see(client(100 * kMs, 1000 + n));
  scene.see(accepted(200 * kMs, 1, 5));
  scene.pass(70'000 * kMs);  // all those are over
  CHECK(scene.tracker().held().peers == 0);
  scene.see(client(70'100 * kMs, 5));  // the number is used again
  scene.see(ConnClosed{70'200 * kMs, 1});
  scene.pass(80'000 * kMs);
  scene.see(accepted(80'100 * kMs, 2, 5));
  scene.see(ConnClosed{80'200 * kMs, 2});
  scene.pass(200'000 * kMs);
  CHECK(scene.tracker().held().peers == 0);
}

TEST_CASE("Addresses of engines are bounded, the first ones stay, and what is refused is told") {
  Scene scene;
  const auto reach = [&](ConnId n, const std::string& ip) {
    ConnOpened opened;
    opened.time = 100 * kMs;
    opened.conn = n;
    opened.transport = Transport::kTcp;
    opened.client = {"198.51.100.66", 40000};
    opened.server = {ip, 4243};
    scene.see(opened);
    scene.see(ConnClosed{100 * kMs, n});
  };
  for (ConnId n = 1; n <= tracker::kMaxEngineAddresses; ++n) {
    reach(n, "fd00::" + std::to_string(n));
    reach(5000 + n, "127.0.0." + std::to_string(n));  // loopback is known
  }
  CHECK(scene.of(Rule::kSensorBlind).empty());
  reach(9001, "fd00::1");
  CHECK(scene.of(Rule::kSensorBlind).empty());
  reach(9002, "fd00::9999");
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
  CHECK(scene.of(Rule::kSensorBlind)[0].health->cause == "engine-addresses");
}
