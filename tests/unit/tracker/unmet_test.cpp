// Containers that start and were not seen when they were created.
#include <catch2/catch_test_macros.hpp>

#include "scene.h"

namespace kilnwatch::test {
namespace {

constexpr TimeNs kLong = 60'000 * kMs;

// Which containers are told as not seen when they were created, alert by alert.
std::vector<std::string> unmet(const Scene& scene) {
  std::vector<std::string> out;
  for (const Finding& finding : scene.of(Rule::kSensorBlind)) {
    for (const Reason& reason : finding.reasons) {
      if (reason.code == "creation-unseen") out.push_back(reason.text);
    }
  }
  return out;
}

bool names(const std::string& text, const std::string& id) {
  return text.find(id) != std::string::npos;
}

}  // namespace

TEST_CASE("A container older than the sensor is told when it starts, once") {
  Scene scene;
  scene.start(100 * kMs, 'd', "sleep 1");
  scene.pass(3000 * kMs);
  REQUIRE(unmet(scene).size() == 1);
  CHECK(names(unmet(scene)[0], container('d')));
  const Finding told = scene.of(Rule::kSensorBlind)[0];
  CHECK(told.severity == Severity::kLow);
  CHECK(told.health->cause == "creation");
  CHECK_FALSE(told.build);
  CHECK_FALSE(has_reason(told, "no-build-open"));
  scene.exit(4000 * kMs, 'd');
  scene.start(70'000 * kMs, 'd', "sleep 1");
  scene.pass(2 * kLong);
  CHECK(unmet(scene).size() == 1);
}

// Nothing begins there: what runs as the sensor comes is none of its business.
TEST_CASE("A container that runs already is told of nowhere") {
  Scene scene;
  ProcessExecuted there{100 * kMs, scene.process('d')};
  there.midway = true;
  scene.see(there);
  scene.connect(200 * kMs, 'd', "192.0.2.1", 1);
  scene.pass(kLong);
  CHECK(unmet(scene).empty());
}

TEST_CASE("Of many at once one alert a minute tells") {
  Scene scene;
  for (const char id : {'a', 'b', 'c', 'd'}) scene.start(100 * kMs, id, "sleep 1");
  scene.pass(3000 * kMs);
  CHECK(unmet(scene).size() == 1);
  scene.pass(2 * kLong);
  REQUIRE(unmet(scene).size() == 2);
  for (const char id : {'b', 'c', 'd'}) CHECK(names(unmet(scene)[1], container(id)));
  CHECK(scene.of(Rule::kSensorBlind)[1].health->count == 3);
}

TEST_CASE("A container that a client was seen creating is told of nowhere") {
  Scene scene;
  scene.created(100 * kMs, 'd', "alpine", "a");
  scene.start(200 * kMs, 'd', "sleep 1");
  scene.started(300 * kMs, "a");
  scene.exit(4000 * kMs, 'd');
  scene.start(9000 * kMs, 'd', "sleep 1");
  scene.started(9100 * kMs, "a");
  scene.pass(kLong);
  CHECK(unmet(scene).empty());
}

TEST_CASE("Nor is a step's, by its line or by what it runs") {
  for (const bool quiet : {false, true}) {
    CAPTURE(quiet);
    Scene scene;
    scene.request(1, 10 * kMs, quiet);
    scene.dockerfile(1, 20 * kMs, {"FROM alpine", "RUN step 2"});
    if (quiet)
      scene.start(100 * kMs, 'a', "step 2");
    else
      scene.step(1, 80 * kMs, 2, 'a', 2);
    scene.exit(300 * kMs, 'a');
    scene.end(1, 400 * kMs);
    scene.pass(kLong);
    CHECK(unmet(scene).empty());
  }
}

// A build that says nothing of its steps hides no container that runs another thing.
TEST_CASE("A quiet build hides no other container") {
  Scene scene;
  scene.request(1, 10 * kMs, true);
  scene.dockerfile(1, 20 * kMs, {"FROM alpine", "RUN step 2"});
  scene.start(100 * kMs, 'a', "sleep 1");
  scene.pass(kLong);
  REQUIRE(unmet(scene).size() == 1);
  CHECK(names(unmet(scene)[0], container('a')));
}

TEST_CASE("An open build's steps are told as before where an old container starts") {
  Scene scene;
  scene.request(1, 10 * kMs);
  scene.dockerfile(1, 20 * kMs, {"FROM alpine", "RUN step 2"});
  scene.start(50 * kMs, 'd', "sleep 1");
  scene.step(1, 2080 * kMs, 2, 'a', 2);
  scene.connect(2200 * kMs, 'a', "198.51.100.66", 1);
  scene.end(1, 2400 * kMs);
  scene.pass(kLong);
  REQUIRE(unmet(scene).size() == 1);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  CHECK(scene.of(Rule::kBuildEgress)[0].step->attribution == Attribution::kExact);
}

// What a process says of itself hides nothing.
TEST_CASE("A command's own words make no container of dockerd's a known one") {
  Scene scene;
  ContainerCreated fact;
  fact.time = 50 * kMs;
  fact.container_id = container('d');
  fact.by_command = true;
  fact.client = Process{};
  scene.learn(fact);
  scene.start(100 * kMs, 'd', "sleep 1");
  scene.pass(kLong);
  CHECK(unmet(scene).size() == 1);
}

// Of containerd's and podman's the start itself says it; by a name of dockerd's nothing is told
// twice.
TEST_CASE("A start whose creation never comes is told where the kernel does not tell it") {
  Scene scene;
  const std::string pod = container('e');
  scene.learn(ContainerStarted{100 * kMs, {901, 0}, pod, "k8s.io"});
  scene.learn(ContainerStarted{100 * kMs, {902, 0}, "web"});
  scene.pass(3000 * kMs);
  CHECK(unmet(scene).empty());
  scene.pass(kLong);
  REQUIRE(unmet(scene).size() == 1);
  CHECK(names(unmet(scene)[0], pod));
}

TEST_CASE("More starts at once than wait for their creation are told, too") {
  Scene scene;
  for (unsigned i = 0; i < tracker::kMaxEarlyStarts + 1; ++i)
    scene.learn(ContainerStarted{100 * kMs, {901, i}, "c" + std::to_string(i), "k8s.io"});
  CHECK(unmet(scene).size() == 1);
}

}  // namespace kilnwatch::test
