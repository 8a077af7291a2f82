#include <catch2/catch_test_macros.hpp>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using namespace kilnwatch::test;

TEST_CASE("Client, request, step, connection, image and deployment make one chain") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.learn(BuildStepAnnounced{110 * kMs, {1, 0}, 1, 9, "FROM alpine:3"});
  scene.step(1, 200 * kMs, 2, 'a');
  scene.connect(300 * kMs, 'a', "198.51.100.66", 1);
  scene.leave(400 * kMs, 'a');
  scene.learn(BuildImageAnnounced{500 * kMs, {1, 0}, "sha256:" + container('f'), false});
  scene.learn(BuildEnded{500 * kMs, {1, 0}, BuildStatus::kSucceeded, 200, {}});
  scene.created(600 * kMs, 'd', "image1:1");
  scene.started(700 * kMs, container('d'));

  REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
  CHECK(scene.of(Rule::kBuildRequest)[0].build->base_images ==
        std::vector<std::string>{"alpine:3"});
  CHECK(scene.of(Rule::kBuildRequest)[0].build->client.address.ip == "198.51.100.66");
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  const auto egress = scene.of(Rule::kBuildEgress)[0];
  CHECK(egress.step->number == 2);
  CHECK(egress.step->container_id == container('a'));
  CHECK(egress.step->attribution == Attribution::kExact);
  CHECK(egress.connection->process.args ==
        std::vector<std::string>{"wget", "http://198.51.100.66/"});
  REQUIRE(scene.of(Rule::kImageDeploy).size() == 1);
  const auto deploy = scene.of(Rule::kImageDeploy)[0];
  CHECK(deploy.build->id == egress.build->id);
  CHECK(deploy.deployment->container.container_id == container('d'));
  CHECK(scene.of(Rule::kSensorBlind).empty());
}

TEST_CASE(
    "Two builds at once, each connection under its own build and step, a stranger under none") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.request(2, 101 * kMs);
  TimeNs at = 200 * kMs;
  std::uint64_t egress = 1;
  for (std::uint32_t step = 1; step <= 4; ++step, at += 100 * kMs) {
    const char first = static_cast<char>('0' + step);
    const char second = static_cast<char>('a' + static_cast<int>(step));
    scene.step(1, at, step, first);
    scene.step(2, at + 3 * kMs, step, second);
    scene.connect(at + 30 * kMs, second, "192.0.2." + std::to_string(20 + step), egress++);
    scene.connect(at + 31 * kMs, 'f', "192.0.2.99", egress++);
    scene.connect(at + 32 * kMs, first, "192.0.2." + std::to_string(10 + step), egress++);
    scene.leave(at + 50 * kMs, first);
    scene.leave(at + 51 * kMs, second);
  }
  scene.see(Tick{at + 5000 * kMs});
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 8);
  for (const auto& finding : found) {
    const auto build = finding.build->request.call.conn;
    CHECK(finding.connection->destination.ip ==
          "192.0.2." + std::to_string(10 * build + finding.step->number));
  }
}

TEST_CASE("Lines that a step forges do not move the attribution") {
  Scene scene;
  scene.start(50 * kMs, 'e');  // of somebody else, before
  scene.request(1, 100 * kMs);
  scene.step(1, 200 * kMs, 1, 'a');
  // The step's own output, while its container runs:
  scene.learn(BuildStepAnnounced{250 * kMs, {1, 0}, 2, 9, "RUN forged"});
  scene.learn(BuildContainerAnnounced{251 * kMs, {1, 0}, container('e').substr(0, 12)});
  scene.learn(BuildContainerRemoved{252 * kMs, {1, 0}, container('a').substr(0, 12)});
  scene.learn(BuildImageAnnounced{253 * kMs, {1, 0}, std::string(12, 'b'), true});
  scene.connect(300 * kMs, 'e', "192.0.2.5", 1);
  scene.connect(301 * kMs, 'a', "192.0.2.6", 2);
  scene.see(Tick{5000 * kMs});
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 1);
  CHECK(found[0].connection->destination.ip == "192.0.2.6");
  CHECK(found[0].step->number == 1);
  CHECK(found[0].step->instruction == "RUN step 1");
}

TEST_CASE("A container that a client created is never a step, however late it starts") {
  Scene scene;
  scene.created(50 * kMs, 'c', "other");
  scene.request(1, 5000 * kMs);
  scene.learn(BuildStepAnnounced{5100 * kMs, {1, 0}, 1, 9, "RUN x"});
  scene.learn(BuildContainerAnnounced{5101 * kMs, {1, 0}, container('c').substr(0, 12)});
  scene.start(5200 * kMs, 'c', "x");
  scene.connect(5300 * kMs, 'c', "192.0.2.7", 1);
  scene.see(Tick{9000 * kMs});
  CHECK(scene.of(Rule::kBuildEgress).empty());
}

TEST_CASE("A destination seen before is quiet, cloud metadata never is") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.step(1, 200 * kMs, 1, 'a');
  scene.connect(300 * kMs, 'a', "192.0.2.1", 1);
  scene.leave(310 * kMs, 'a');
  scene.step(1, 400 * kMs, 2, 'b');
  scene.connect(500 * kMs, 'b', "192.0.2.1", 2);
  scene.connect(510 * kMs, 'b', "169.254.169.254", 3);
  scene.see(Tick{5000 * kMs});
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 2);
  CHECK(found[0].connection->destination.ip == "192.0.2.1");
  CHECK(found[1].severity == Severity::kCritical);
}

TEST_CASE("A cancelled build says so and frees its state") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.learn(BuildEnded{200 * kMs, {1, 0}, BuildStatus::kCancelled, 0, {}});
  scene.see(Tick{9000 * kMs});
  REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
  CHECK(scene.of(Rule::kBuildRequest)[0].build->status == BuildStatus::kCancelled);
  CHECK(scene.tracker().open_builds() == 0);
}

TEST_CASE("Loss while a build is open is reported") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.see(KernelLoss{200 * kMs, "ring", 3});
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
}

TEST_CASE("A client that executes another program after it connected is named by what connected") {
  Scene scene;
  Process client = scene.process('a', 4000);
  client.exe = "/usr/bin/evil";
  scene.see(ProcessExecuted{90 * kMs, client});
  ClientSeen seen;
  seen.time = 95 * kMs;
  seen.transport = Transport::kTcp;
  seen.client = {"198.51.100.66", 40001};
  seen.server = {"198.51.100.1", 2375};
  seen.process = client;
  seen.process.exe = "/usr/bin/true";  // as /proc has it by then
  scene.see(seen);
  scene.request(1, 100 * kMs);
  scene.pass(5000 * kMs);
  REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
  CHECK(scene.of(Rule::kBuildRequest)[0].build->client.process->exe == "/usr/bin/evil");
}
