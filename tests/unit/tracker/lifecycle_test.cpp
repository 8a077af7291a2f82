// Ends, deadlines, losses and limits.
#include <catch2/catch_test_macros.hpp>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using namespace kilnwatch::test;

namespace {

bool empty(const tracker::Held& h) {
  return h.builds + h.connections + h.peers + h.containers + h.flows + h.deploys + h.early_starts ==
         0;
}

}  // namespace

TEST_CASE("Whatever way a build ends, later alerts say so and nothing is kept") {
  for (const auto status : {BuildStatus::kSucceeded, BuildStatus::kFailed, BuildStatus::kRefused,
                            BuildStatus::kCancelled}) {
    Scene scene;
    scene.request(1, 100 * kMs);
    scene.step(1, 200 * kMs, 1, 'a', 2);
    scene.attempt(300 * kMs, 'a', "192.0.2.1", 1);
    scene.end(1, 400 * kMs, status);
    scene.leave(410 * kMs, 'a');
    scene.see(ConnClosed{420 * kMs, 1});
    scene.pass(2300 * kMs);
    CHECK(scene.tracker().open_builds() == 1);
    scene.pass(2500 * kMs);
    REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
    REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
    CHECK(scene.of(Rule::kBuildEgress)[0].build->status == status);
    CHECK(scene.of(Rule::kBuildEgress)[0].build->ended == 400 * kMs);
    CHECK(scene.tracker().open_builds() == 0);
    CHECK(empty(scene.tracker().held()));
  }
}

TEST_CASE("A classic build that fails in a RUN is told once more, with the step that ran last") {
  for (const bool in_run : {true, false}) {
    Scene scene;
    scene.request(1, 100 * kMs);
    scene.step(1, 200 * kMs, 1, 'a');
    scene.leave(300 * kMs, 'a');
    scene.step(1, 400 * kMs, 2, 'b');
    scene.leave(500 * kMs, 'b');
    const std::string error = in_run ? "The command '/bin/sh -c x' returned a non-zero code: 7"
                                     : "COPY failed: no such file";
    scene.learn(BuildEnded{600 * kMs, {1, 0}, BuildStatus::kFailed, 200, error});
    scene.pass(9000 * kMs);
    REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
    REQUIRE(scene.of(Rule::kBuildFailed).size() == 1);
    const auto failed = scene.of(Rule::kBuildFailed)[0];
    CHECK(failed.build->status == BuildStatus::kFailed);
    CHECK(failed.time == 1600 * kMs);
    CHECK(failed.reasons.back().text == error);
    REQUIRE(failed.step.has_value() == in_run);
    if (!in_run) continue;
    CHECK(failed.step->number == 2);
    CHECK(failed.step->instruction == "RUN step 2");
    CHECK(failed.step->container_id == container('b'));
  }
}

TEST_CASE("A connection that closes without the build's end cancels it") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.see(ConnClosed{200 * kMs, 1});
  scene.pass(9000 * kMs);
  REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
  CHECK(empty(scene.tracker().held()));
}

TEST_CASE("A client seen before or after its connection is the client; one alone is forgotten") {
  for (const bool first : {true, false}) {
    Scene scene;
    ClientSeen client;
    client.time = 99 * kMs;
    client.transport = Transport::kTcp;
    client.client = {"198.51.100.66", 40001};
    client.server = {"198.51.100.1", 2375};
    client.process.pid = 4242;
    client.process.exe = "/usr/bin/curl";
    if (first) scene.see(client);
    scene.open(1, 100 * kMs);
    if (!first) scene.see(client);
    auto build = scene.request(1, 101 * kMs, false, false);
    scene.learn(build);
    scene.line(1, 110 * kMs, 1, 1, "FROM a");
    REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
    REQUIRE(scene.of(Rule::kBuildRequest)[0].build->client.process);
    CHECK(scene.of(Rule::kBuildRequest)[0].build->client.process->pid == 4242);
  }
  Scene scene;
  ClientSeen alone;
  alone.time = 100 * kMs;
  alone.join = 5;
  scene.see(alone);
  CHECK(scene.tracker().held().peers == 1);
  scene.pass(100'000 * kMs);
  CHECK(empty(scene.tracker().held()));
}

TEST_CASE("A join number that is used again brings no client of before") {
  for (const bool lost : {false, true}) {
    Scene scene;
    const auto connect = [&](ConnId conn, TimeNs time, std::uint32_t pid, bool seen) {
      ClientSeen client;
      client.time = time;
      client.join = 9;
      client.process.pid = pid;
      client.process.exe = "/usr/bin/client" + std::to_string(pid);
      if (seen) scene.see(client);
      ConnOpened opened;
      opened.time = time;
      opened.conn = conn;
      opened.join = 9;
      opened.client_pid = pid;
      scene.see(opened);
      BuildRequested build;
      build.time = time + kMs;
      build.call = {conn, 0};
      scene.learn(build);
      scene.pass(time + 2100 * kMs);
    };
    connect(1, 100 * kMs, 5017, true);
    scene.see(ConnClosed{2300 * kMs, 1});
    connect(2, 2400 * kMs, 5025, !lost);
    const auto found = scene.of(Rule::kBuildRequest);
    REQUIRE(found.size() == 2);
    CHECK(found[0].build->client.process->exe == "/usr/bin/client5017");
    CHECK(found[1].build->client.process->pid == 5025);
    CHECK(found[1].build->client.process->exe == (lost ? "" : "/usr/bin/client5025"));
    CHECK(has_reason(found[1], "client-unknown") == lost);
  }
}

TEST_CASE("A pid that is used again, or forked only, tells no client") {
  Process old;
  old.pid = 50;
  old.start = 1;
  old.exe = "/bin/old";
  for (const bool gone : {false, true}) {
    Scene scene;
    scene.see(ProcessExecuted{2, old});
    if (gone) scene.see(ProcessExited{50 * kMs, 50, 1, 0});
    ConnOpened opened;
    opened.time = 100 * kMs;
    opened.conn = 1;
    opened.join = 9;
    opened.client_pid = 50;
    scene.see(opened);
    BuildRequested build;
    build.time = 101 * kMs;
    build.call = {1, 0};
    scene.learn(build);
    scene.finish();
    REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
    CHECK(scene.of(Rule::kBuildRequest)[0].build->client.process->exe == (gone ? "" : "/bin/old"));
  }
}

TEST_CASE("A build that says nothing for an hour is over, and that is said") {
  constexpr TimeNs kHour = tracker::kBuildIdle;
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.line(1, kHour / 2, 1, 2, "FROM a");
  scene.pass(kHour + 200 * kMs);
  CHECK(scene.tracker().open_builds() == 1);
  CHECK(scene.of(Rule::kSensorBlind).empty());
  scene.pass(3 * kHour / 2 + 3000 * kMs);
  CHECK(scene.tracker().open_builds() == 0);
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
  CHECK(scene.of(Rule::kSensorBlind)[0].health->cause == "silent-build");
  REQUIRE(scene.of(Rule::kSensorBlind)[0].build);
  CHECK(scene.of(Rule::kSensorBlind)[0].build->status == BuildStatus::kUnknown);

  Scene working;  // a step may be silent for longer
  working.request(1, 100 * kMs);
  working.step(1, 200 * kMs, 1, 'a', 2);
  working.pass(5 * kHour);
  CHECK(working.tracker().open_builds() == 1);
  working.leave(5 * kHour, 'a');
  working.pass(7 * kHour);
  CHECK(working.tracker().open_builds() == 0);

  Scene open;  // the sensor ends before: nothing was lost
  open.request(1, 100 * kMs);
  open.pass(3000 * kMs);
  open.finish();
  CHECK(open.of(Rule::kSensorBlind).empty());
}

TEST_CASE("Who connected is who it was then, not at the decision") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.line(1, 200 * kMs, 1, 2, "RUN wget x; sleep 9");
  scene.running_in(1, 201 * kMs, 'a');
  scene.start(220 * kMs, 'a', "wget x; sleep 9");
  auto child = scene.process('a', 1001);
  child.start = 1001;
  scene.see(ProcessForked{300 * kMs, 'a', 1001, 1001});
  scene.see(ProcessExecuted{301 * kMs, child});
  scene.attempt(302 * kMs, 'a', "192.0.2.1", 1);
  auto later = scene.process('a');  // the shell becomes its last command
  later.exe = "/bin/sleep";
  later.comm = "sleep";
  scene.see(ProcessExecuted{400 * kMs, later});
  scene.pass(3000 * kMs);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  const Connection connection = *scene.of(Rule::kBuildEgress)[0].connection;
  CHECK(connection.process.exe == "/bin/wget");
  REQUIRE_FALSE(connection.ancestors.empty());
  CHECK(connection.ancestors[0] == "/bin/sh");
}

TEST_CASE("At the end all that waits is decided, no alert lies in the future") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.step(1, 150 * kMs, 1, 'a', 2);
  scene.attempt(200 * kMs, 'a', "192.0.2.1", 1);
  scene.request(2, 210 * kMs);
  scene.learn(BuildImageAnnounced{220 * kMs, {1, 0}, "sha256:" + container('f'), false});
  scene.end(1, 230 * kMs);
  scene.created(240 * kMs, 'd', "image1:1");
  scene.pass(250 * kMs);
  scene.finish();
  CHECK(scene.of(Rule::kBuildRequest).size() == 2);
  CHECK(scene.of(Rule::kBuildEgress).size() == 1);
  CHECK(scene.of(Rule::kImageDeploy).size() == 1);
  for (const auto rule : {Rule::kBuildRequest, Rule::kBuildEgress, Rule::kImageDeploy}) {
    for (const auto& f : scene.of(rule)) CHECK(f.time <= 250 * kMs);
  }
}

TEST_CASE("A deadline is decided at its own time, however late the event that lets it happen") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.pass(60'000 * kMs);
  REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
  CHECK(scene.of(Rule::kBuildRequest)[0].time == 2100 * kMs);
}

TEST_CASE("Loss is told at once, then once a minute with what came up, in words") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.see(KernelLoss{200 * kMs, "ring", 3});
  for (TimeNs s = 1; s <= 30; ++s) scene.see(KernelLoss{200 * kMs + s * 1000 * kMs, "ring", 2});
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
  scene.pass(61'000 * kMs);
  const auto found = scene.of(Rule::kSensorBlind);
  REQUIRE(found.size() == 2);
  CHECK(found[0].time == 200 * kMs);
  CHECK(found[0].health->cause == "ring");
  CHECK(found[0].health->count == 3);
  CHECK(found[0].build->request.call.conn == 1);
  CHECK(found[0].summary.find("records were dropped") != std::string::npos);
  CHECK(found[1].time == 60'200 * kMs);
  CHECK(found[1].health->count == 60);
  CHECK(found[0].id != found[1].id);
  scene.pass(600'000 * kMs);
  CHECK(scene.of(Rule::kSensorBlind).size() == 2);
}

TEST_CASE("The identity of a loss does not depend on its count or moment") {
  std::vector<std::string> ids;
  for (const std::uint64_t count : {1, 2}) {
    Scene scene;
    scene.see(KernelLoss{count * 100 * kMs, "ring", count});
    REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
    ids.push_back(scene.of(Rule::kSensorBlind)[0].id);
  }
  CHECK(ids[0] == ids[1]);
}

TEST_CASE(
    "Loss with no build open: the ring's is told and says so, what only touches steps is not") {
  Scene scene;
  scene.see(KernelLoss{100 * kMs, "egress", 1});
  scene.see(KernelLoss{100 * kMs, "unused", 1});
  CHECK(scene.of(Rule::kSensorBlind).empty());
  scene.see(KernelLoss{100 * kMs, "ring", 1});
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
  CHECK(has_reason(scene.of(Rule::kSensorBlind)[0], "no-build-open"));
  scene.request(1, 200 * kMs);
  scene.see(KernelLoss{300 * kMs, "egress", 1});
  CHECK(scene.of(Rule::kSensorBlind).size() == 2);
}

TEST_CASE("Each loss of the kernel side that may hide a build is told with what it means") {
  for (const std::string cause : {"framing", "engines", "splice", "missed", "calls", "new-one"}) {
    CAPTURE(cause);
    Scene scene;
    scene.see(KernelLoss{100 * kMs, cause, 2});
    const auto found = scene.of(Rule::kSensorBlind);
    REQUIRE(found.size() == 1);
    CHECK(found[0].health->cause == cause);
    CHECK(found[0].health->count == 2);
    CHECK(has_reason(found[0], "may-be-missing"));
    // One without a sentence of its own is told all the same, by its name.
    CHECK((found[0].summary.find("facts were lost") != std::string::npos) == (cause == "new-one"));
  }
}

TEST_CASE("A full table says so and keeps what is useful") {
  Scene scene;
  for (ConnId n = 1; n <= tracker::kMaxBuilds + 3; ++n) {
    BuildRequested build;
    build.time = n * kMs;
    build.call = {n, 0};
    scene.learn(build);
    scene.line(1, n * kMs, 1, 2, "FROM a");  // the first one is never idle
  }
  CHECK(scene.tracker().open_builds() == tracker::kMaxBuilds);
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
  CHECK(scene.of(Rule::kSensorBlind)[0].health->cause == "builds");
  scene.step(1, 90'000 * kMs, 2, 'a', 2);
  scene.connect(90'100 * kMs, 'a', "192.0.2.1", 1);
  CHECK(scene.of(Rule::kBuildEgress).size() == 1);
}

TEST_CASE("Containers come and go without end") {
  Scene scene;
  for (std::uint32_t n = 0; n < 40'000; ++n) {
    Process p = scene.process('a');
    std::string id = std::to_string(100'000 + n);
    id.resize(64, '0');
    p.pid = 10'000 + n;
    p.start = p.pid;
    p.cgroup = {1000 + n, "docker/" + id};
    scene.see(ProcessExecuted{n * kMs, p});
    if (n % 2 == 0) scene.see(ProcessExited{n * kMs, p.pid, p.start, 0});
  }
  CHECK(scene.tracker().held().containers <= tracker::kMaxContainers);
  CHECK(scene.blind_but("creation").empty());  // no build was open
}

TEST_CASE("An engine is recognised on every address and port that engines were reached at") {
  Scene scene;
  ConnOpened bridge;
  bridge.conn = 50;
  bridge.transport = Transport::kTcp;
  bridge.client = {"172.17.0.9", 1};
  bridge.server = {"172.17.0.1", 4243};
  scene.see(bridge);
  ConnOpened fetch = bridge;  // the engine itself asked there: no engine listens
  fetch.conn = 51;
  fetch.fetch = true;
  fetch.server = {"198.51.100.2", 4243};
  scene.see(fetch);
  scene.request(1, 100 * kMs);
  scene.step(1, 200 * kMs, 1, 'a', 2);
  scene.connect(300 * kMs, 'a', "198.51.100.1", 1, 4243);
  scene.connect(310 * kMs, 'a', "198.51.100.2", 2, 4243);
  scene.connect(320 * kMs, 'a', "127.0.0.1", 3, 4243);
  scene.connect(330 * kMs, 'a', "127.0.0.1", 4, 4244);
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 3);
  CHECK(has_reason(found[2], "engine-api"));
  CHECK(has_reason(found[0], "engine-api"));
  CHECK(found[0].severity == Severity::kCritical);
  CHECK_FALSE(has_reason(found[1], "engine-api"));
}

TEST_CASE("A connection or a conversation whose beginning is missing is told") {
  Scene scene;
  scene.see(ConnData{100 * kMs, 77, Direction::kRequest, 0, 4, false, false, true, "GET "});
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
  CHECK(scene.of(Rule::kSensorBlind)[0].health->cause == "opening");
  scene.see(EgressOutcome{110 * kMs, 5, Outcome::kEstablished});  // no build is open
  CHECK(scene.of(Rule::kSensorBlind).size() == 1);
  scene.request(1, 200 * kMs);
  scene.step(1, 210 * kMs, 1, 'a', 2);
  scene.connect(300 * kMs, 'a', "192.0.2.1", 6);
  scene.see(EgressOutcome{310 * kMs, 6, Outcome::kEstablished});  // decided, not unknown
  scene.see(EgressOutcome{320 * kMs, 5, Outcome::kEstablished});
  CHECK(scene.of(Rule::kSensorBlind).size() == 1);
  scene.see(EgressPayload{330 * kMs, 8, "GET / HTTP/1.1\r\n"});
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 2);
  CHECK(scene.of(Rule::kSensorBlind)[1].health->cause == "egress-beginning");
}
