// Containers that start and were not seen when they were created.
#include <catch2/catch_test_macros.hpp>

#include "scene.h"

namespace kilnwatch::test {
namespace {

constexpr TimeNs kLong = 60'000 * kMs;

// Which containers are told as not seen when they were created, alert by alert.
std::vector<std::string> unseen(const Scene& scene) {
  std::vector<std::string> out;
  for (const Finding& finding : scene.of(Rule::kSensorBlind)) {
    for (const Reason& reason : finding.reasons) {
      if (reason.code == "creation-unseen") out.push_back(reason.text);
    }
  }
  return out;
}

// In a cgroup of its own making.
void start_in(Scene& scene, TimeNs time, char id, const std::string& cgroup) {
  Process p = scene.process(id);
  p.cgroup.path = cgroup;
  scene.see(ProcessExecuted{time, p});
}

std::string numbered(std::uint32_t n) {
  std::string id = std::to_string(100 + n);
  id.resize(64, '0');
  return id;
}

// Its first process, by the shim.
void start_numbered(Scene& scene, TimeNs time, std::uint32_t n, std::uint32_t pids) {
  Process p = scene.process('a');
  p.pid = pids + n;
  p.start = p.pid;
  p.cgroup = {p.pid, "docker/" + numbered(n)};
  scene.see(ProcessExecuted{time, p});
}

// An engine of that user, asked over `conn`.
void open_engine(Scene& scene, ConnId conn, TimeNs time, EngineKind kind, std::uint32_t uid) {
  Process engine;
  engine.pid = 60;
  engine.start = 1;
  engine.uid = uid;
  scene.see(ProcessExecuted{2, engine});
  ConnOpened opened;
  opened.time = time;
  opened.conn = conn;
  opened.engine = kind;
  opened.engine_pid = engine.pid;
  opened.path = "/home/u/engine.sock";
  scene.see(opened);
}

// Container 'd', over that connection.
void create_over(Scene& scene, ConnId conn, TimeNs time, const std::string& name = {}) {
  ContainerCreated made;
  made.time = time;
  made.call = {conn, 0};
  made.container_id = container('d');
  made.name = name;
  scene.learn(made);
}

}  // namespace

TEST_CASE("A container older than the sensor is told when it starts, once") {
  Scene scene;
  scene.start(100 * kMs, 'd', "sleep 1");
  scene.started(150 * kMs, "web");  // by a name: it is the same one
  scene.pass(3000 * kMs);
  REQUIRE(unseen(scene).size() == 1);
  CHECK(unseen(scene)[0] == container('d'));
  const Finding told = scene.of(Rule::kSensorBlind)[0];
  CHECK(told.severity == Severity::kLow);
  CHECK(told.health->cause == "creation");
  CHECK_FALSE(told.build);
  CHECK_FALSE(has_reason(told, "no-build-open"));
  scene.exit(4000 * kMs, 'd');
  scene.start(70'000 * kMs, 'd', "sleep 1");
  scene.pass(120 * kLong);
  CHECK(unseen(scene).size() == 1);
}

// Nothing begins there: what runs as the sensor comes is none of its business.
TEST_CASE("A container that runs already is told of when it starts again") {
  Scene scene;
  ProcessExecuted there{100 * kMs, scene.process('d')};
  there.midway = true;
  scene.see(there);
  scene.connect(200 * kMs, 'd', "192.0.2.1", 1);
  scene.pass(kLong);
  CHECK(unseen(scene).empty());
  scene.exit(kLong, 'd');
  scene.start(2 * kLong, 'd', "sleep 1");
  scene.pass(3 * kLong);
  CHECK(unseen(scene).size() == 1);
}

TEST_CASE("Of many at once one alert an hour tells, and names as many as it has room for") {
  constexpr TimeNs kHour = 60 * kLong;
  Scene scene;
  constexpr std::uint32_t kMany = tracker::kMaxLossNames + 4;
  const auto start_all = [&](TimeNs time, std::uint32_t pids) {
    for (std::uint32_t n = 0; n < kMany; ++n) start_numbered(scene, time, n, pids);
  };
  start_all(100 * kMs, 10'000);
  scene.pass(kHour);
  REQUIRE(unseen(scene).size() == 1);
  CHECK(unseen(scene)[0] == numbered(0));
  scene.pass(2 * kHour);
  REQUIRE(unseen(scene).size() == 2);
  CHECK(scene.of(Rule::kSensorBlind)[1].health->count == kMany - 1);
  CHECK(unseen(scene)[1].starts_with(numbered(1) + ", " + numbered(2)));
  CHECK(unseen(scene)[1].ends_with(numbered(tracker::kMaxLossNames) + " and 3 more"));
  for (std::uint32_t n = 0; n < kMany; ++n)
    scene.see(ProcessExited{3 * kHour, 10'000 + n, 10'000 + n, 0});
  start_all(4 * kHour, 20'000);
  scene.pass(6 * kHour);  // those that were named are not named again
  REQUIRE(unseen(scene).size() == 4);
  CHECK(unseen(scene)[2] == numbered(kMany - 3));
  CHECK(unseen(scene)[3] == numbered(kMany - 2) + ", " + numbered(kMany - 1));
}

// Before what it was is forgotten.
TEST_CASE("A container that is restarted at once is told of, too") {
  Scene scene;
  ProcessExecuted there{100 * kMs, scene.process('d')};
  there.midway = true;
  scene.see(there);
  scene.exit(1000 * kMs, 'd');
  Process again = scene.process('d');
  again.pid = 5000;
  again.start = 5000;
  scene.see(ProcessExecuted{1500 * kMs, again});
  scene.pass(kLong);
  REQUIRE(unseen(scene).size() == 1);
  CHECK(unseen(scene)[0] == container('d'));
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
  CHECK(unseen(scene).empty());
}

TEST_CASE("Nor is one whose creation is told a little after its start") {
  Scene scene;
  scene.start(200 * kMs, 'd', "sleep 1");
  scene.created(220 * kMs, 'd', "alpine", "a");
  scene.pass(kLong);
  CHECK(unseen(scene).empty());
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
    CHECK(unseen(scene).empty());
  }
}

TEST_CASE("Nor one that another engine made, or BuildKit") {
  for (const std::string& cgroup :
       {"machine.slice/libpod-" + container('d') + ".scope",
        "kubepods.slice/cri-containerd-" + container('d') + ".scope",
        std::string("system.slice/docker.service/buildkit/mwz3pm9n1kmyuw1qlj9nvgd9k")}) {
    CAPTURE(cgroup);
    Scene scene;
    start_in(scene, 100 * kMs, 'd', cgroup);
    scene.pass(kLong);
    CHECK(unseen(scene).empty());
  }
}

// A build that says nothing of its steps hides no container that runs another thing.
TEST_CASE("A quiet build hides no other container") {
  for (const std::string run : {"", "RUN step 2", "RUN [\"step\", \"2\"]", "RUN <<EOF"}) {
    CAPTURE(run);
    Scene scene;
    scene.request(1, 10 * kMs, true);
    if (!run.empty()) scene.dockerfile(1, 20 * kMs, {"FROM alpine", run});
    scene.start(100 * kMs, 'a', "sleep 1");
    scene.pass(kLong);
    REQUIRE(unseen(scene).size() == 1);
    CHECK(unseen(scene)[0] == container('a'));
  }
}

TEST_CASE("A user's build hides none of root's containers") {
  Scene scene;
  open_engine(scene, 50, 5 * kMs, EngineKind::kDocker, 1000);
  BuildRequested build;
  build.time = 10 * kMs;
  build.call = {50, 0};
  build.method = "POST";
  build.path = "/build";
  scene.learn(build);
  scene.dockerfile(50, 20 * kMs, {"FROM alpine", "RUN step 2"});
  scene.line(50, 80 * kMs, 2, 2, "RUN step 2");
  scene.running_in(50, 90 * kMs, 'a');
  scene.start(100 * kMs, 'a', "step 2");
  scene.pass(kLong);
  CHECK(unseen(scene).size() == 1);
}

// What a step writes may look like the builder's own line.
TEST_CASE("A step that prints another container's id hides it not") {
  Scene scene;
  scene.request(1, 10 * kMs);
  scene.dockerfile(1, 20 * kMs, {"FROM alpine", "RUN step 2"});
  scene.step(1, 80 * kMs, 2, 'a', 2);
  scene.running_in(1, 150 * kMs, 'd');
  scene.start(200 * kMs, 'd', "sleep 1");
  scene.pass(kLong);
  REQUIRE(unseen(scene).size() == 1);
  CHECK(unseen(scene)[0] == container('d'));
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
  CHECK(unseen(scene).size() == 1);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  CHECK(scene.of(Rule::kBuildEgress)[0].step->attribution == Attribution::kExact);
}

TEST_CASE("What a user's engine created is none of root's containers") {
  for (const std::uint32_t uid : {1000U, 0U}) {
    CAPTURE(uid);
    Scene scene;
    open_engine(scene, 50, 50 * kMs, EngineKind::kDocker, uid);
    create_over(scene, 50, 60 * kMs);
    scene.start(100 * kMs, 'd', "sleep 1");
    scene.pass(kLong);
    CHECK(unseen(scene).size() == (uid == 0 ? 0 : 1));
  }
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
  CHECK(unseen(scene).size() == 1);
}

// Of containerd's and podman's the start itself says it; by a name of dockerd's nothing is told
// twice.
TEST_CASE("A start whose creation never comes is told where the kernel does not tell it") {
  Scene scene;
  const std::string pod = container('e');
  scene.learn(ContainerStarted{100 * kMs, {901, 0}, pod, "k8s.io"});
  scene.learn(ContainerStarted{100 * kMs, {902, 0}, "web"});
  scene.pass(3000 * kMs);
  CHECK(unseen(scene).empty());
  scene.pass(kLong);
  REQUIRE(unseen(scene).size() == 1);
  CHECK(unseen(scene)[0] == pod);
}

TEST_CASE("A name that goes to an older container is that one's") {
  Scene scene;
  open_engine(scene, 50, 50 * kMs, EngineKind::kPodman, 0);
  create_over(scene, 50, 60 * kMs, "web");
  scene.pass(4000 * kMs);
  scene.learn(ContainerRenamed{4500 * kMs, {50, 1}, "old", "web"});
  scene.learn(ContainerStarted{5000 * kMs, {50, 2}, "web"});
  scene.pass(kLong);
  CHECK(unseen(scene).size() == 1);
}

TEST_CASE("One of podman's that its API made is known by its name") {
  for (const bool created : {true, false}) {
    CAPTURE(created);
    Scene scene;
    open_engine(scene, 50, 50 * kMs, EngineKind::kPodman, 0);
    if (created) create_over(scene, 50, 60 * kMs, "web");
    scene.learn(ContainerStarted{5000 * kMs, {50, 1}, "web"});
    scene.pass(kLong);
    REQUIRE(unseen(scene).size() == (created ? 0 : 1));
    if (!created) CHECK(unseen(scene)[0] == "web");
  }
}

TEST_CASE("More starts at once than wait for their creation are told, too") {
  Scene scene;
  for (unsigned i = 0; i < tracker::kMaxEarlyStarts + 1; ++i)
    scene.learn(ContainerStarted{100 * kMs, {901, i}, "c" + std::to_string(i), "k8s.io"});
  REQUIRE(unseen(scene).size() == 1);
  CHECK(unseen(scene)[0] == "c0");
  scene.pass(61 * kLong);
  REQUIRE(unseen(scene).size() == 2);
  CHECK(scene.of(Rule::kSensorBlind)[1].health->count == tracker::kMaxEarlyStarts);
}

}  // namespace kilnwatch::test
