// What the host's own resolvers are known by.
#include <catch2/catch_test_macros.hpp>
#include <string>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::test;

TEST_CASE("A resolver of the host is known as one by its answers") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.dockerfile(1, 110 * kMs, {"FROM a", "RUN step 2"});
  scene.step(1, 200 * kMs, 2, 'a', 2);
  const auto ask = [&](TimeNs time, EgressId id, const std::string& ip) {
    auto asker = scene.process('a', 500);
    asker.exe.clear();
    asker.args.clear();
    scene.see(EgressStarted{time, id, 17, Outcome::kSent, {ip, 53}, asker, 9});
  };
  ask(300 * kMs, 1, "10.20.0.53");
  ask(301 * kMs, 2, "10.20.0.54");
  DnsAnswered answered;
  answered.time = 310 * kMs;
  answered.resolver = {"10.20.0.53", 53};
  answered.configured = true;
  answered.net = 9;
  answered.process = scene.process('a', 500);
  scene.see(answered);
  answered.configured = false;  // nobody looked
  answered.stream = true;
  scene.see(answered);
  scene.pass(3000 * kMs);
  const auto told = scene.of(Rule::kBuildEgress);
  REQUIRE(told.size() == 2);
  CHECK(has_reason(told[0], "host-resolver"));
  CHECK(told[0].severity == Severity::kLow);
  CHECK_FALSE(has_reason(told[1], "host-resolver"));
  CHECK(told[1].severity == Severity::kHigh);
}
