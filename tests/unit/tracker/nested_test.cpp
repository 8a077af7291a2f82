// Engines inside containers: what they say is about containers below their own, never about the
// host's.
#include <catch2/catch_test_macros.hpp>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using namespace kilnwatch::test;

namespace {

constexpr std::uint32_t kFakeEngine = 5000;

// A process of container `id` calls itself dockerd.
void run_engine(Scene& scene, TimeNs time, char id) {
  Process engine = scene.process(id, kFakeEngine);
  engine.exe = "/tmp/dockerd";
  engine.comm = "dockerd";
  engine.args = {"/tmp/dockerd"};
  scene.see(ProcessExecuted{time, engine});
}

void open(Scene& scene, ConnId conn, TimeNs time, std::uint32_t engine) {
  ConnOpened opened;
  opened.time = time;
  opened.conn = conn;
  opened.engine_pid = engine;
  scene.see(opened);
}

ContainerCreated answer(ConnId conn, TimeNs time, char id, const std::string& image) {
  ContainerCreated fact;
  fact.time = time;
  fact.call = {conn, 0};
  fact.container_id = container(id);
  fact.image = image;
  return fact;
}

// A container with an engine, a shim of it and the containers below.
class Inside {
 public:
  Inside(Scene& scene, TimeNs time, char outer) : scene_(scene), outer_(outer) {
    run_engine(scene, time, outer);
    Process shim = scene.process(outer, kInnerShim);
    shim.ppid = kFakeEngine;
    shim.comm = "containerd-shim";
    scene.see(ProcessExecuted{time, shim});
  }
  Process process(char id, std::uint32_t pid = 0) {
    Process p = scene_.process(id, pid);
    if (pid == 0) p.ppid = kInnerShim;
    p.cgroup.path = "system.slice/docker-" + container(outer_) + ".scope/docker/" + container(id);
    return p;
  }
  void start(TimeNs time, char id, const std::string& text) {
    Process p = process(id);
    p.exe = "/bin/sh";
    p.comm = "sh";
    p.args = {"/bin/sh", "-c", text};
    scene_.see(ProcessExecuted{time, p});
  }
  void connect(TimeNs time, char id, const std::string& ip, std::uint64_t egress) {
    const auto pid = static_cast<std::uint32_t>(1000 + egress);
    scene_.see(ProcessForked{time, static_cast<std::uint32_t>(id), pid, pid});
    scene_.see(ProcessExecuted{time, process(id, pid)});
    scene_.see(EgressStarted{time, egress, 6, Outcome::kPending, {ip, 80}, process(id, pid)});
    scene_.see(EgressOutcome{time + kMs, egress, Outcome::kRefused});
  }
  void request(ConnId conn, TimeNs time) {
    open(scene_, conn, time, kFakeEngine);
    BuildRequested build;
    build.time = time;
    build.call = {conn, 0};
    build.tags = {"inner:1"};
    scene_.learn(build);
  }
  void step(ConnId conn, TimeNs time, std::uint32_t number, char id) {
    const std::string text = "step " + std::to_string(number);
    scene_.line(conn, time, number, 9, "RUN " + text);
    scene_.running_in(conn, time + kMs, id);
    start(time + 20 * kMs, id, text);
  }

 private:
  static constexpr std::uint32_t kInnerShim = 5001;
  Scene& scene_;
  char outer_;
};

std::size_t told(const Scene& scene) {
  const auto blind = scene.of(Rule::kSensorBlind);
  return static_cast<std::size_t>(std::count_if(blind.begin(), blind.end(), [](const Finding& f) {
    return f.health->cause == "nested-engine";
  }));
}

}  // namespace

TEST_CASE("A step that plays an engine does not take its container out of its build") {
  for (const bool nested : {true, false}) {  // the host's own engine is believed
    CAPTURE(nested);
    Scene scene;
    scene.request(1, 100 * kMs);
    scene.step(1, 200 * kMs, 1, 'a', 2);
    run_engine(scene, 300 * kMs, 'a');
    open(scene, 50, 310 * kMs, nested ? kFakeEngine : 4999);
    scene.learn(answer(50, 320 * kMs, 'a', "x"));
    open(scene, 51, 321 * kMs, nested ? kFakeEngine : 4999);
    scene.learn(ContainerStarted{322 * kMs, {51, 0}, container('a')});
    scene.connect(400 * kMs, 'a', "192.0.2.1", 1);
    scene.pass(3000 * kMs);
    CHECK(scene.of(Rule::kBuildEgress).size() == (nested ? 1 : 0));
    CHECK(told(scene) == 0);
  }
}

TEST_CASE("An engine inside a container makes no claims, images, tags or deployments on the host") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.learn(BuildImageAnnounced{110 * kMs, {1, 0}, "sha256:" + container('f'), false});
  scene.end(1, 120 * kMs);
  scene.start(130 * kMs, 'a', "dockerd");
  run_engine(scene, 140 * kMs, 'a');
  open(scene, 50, 150 * kMs, kFakeEngine);
  BuildRequested build;
  build.time = 160 * kMs;
  build.call = {50, 0};
  scene.learn(build);
  CHECK(scene.tracker().open_builds() == 2);  // the host's lingers
  scene.running_in(50, 170 * kMs, 'b');
  scene.start(175 * kMs, 'b', "wget");  // of the host
  scene.connect(176 * kMs, 'b', "192.0.2.1", 7);
  scene.learn(ImageTagged{180 * kMs, {50, 1}, "elsewhere:1", "image1:1"});  // would take the tag
  scene.learn(answer(50, 190 * kMs, 'd', "image1:1"));
  scene.pass(3000 * kMs);
  CHECK(scene.of(Rule::kImageDeploy).empty());
  scene.created(3100 * kMs, 'c', "image1:1");
  scene.started(3110 * kMs, container('c'));
  CHECK(scene.of(Rule::kImageDeploy).size() == 1);
  CHECK(scene.of(Rule::kBuildEgress).empty());
  const auto requests = scene.of(Rule::kBuildRequest);
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].build->container_id.empty());
  CHECK_FALSE(has_reason(requests[0], "nested-engine"));
  CHECK(requests[1].build->container_id == container('a'));
  CHECK(has_reason(requests[1], "nested-engine"));
}

TEST_CASE("What an engine inside a container fetches is no context of the host's builds") {
  Scene scene;
  auto build = scene.request(1, 100 * kMs, false, false);
  build.remote_context = "http://198.51.100.66/";
  scene.learn(build);
  scene.start(130 * kMs, 'a', "dockerd");
  run_engine(scene, 140 * kMs, 'a');
  open(scene, 50, 150 * kMs, kFakeEngine);
  ContextFetched fact;
  fact.time = 160 * kMs;
  fact.conn = 50;
  fact.url = "http://198.51.100.66/";
  fact.dockerfile = DockerfileSeen{};
  fact.dockerfile->base_images = {"forged:1"};
  scene.learn(fact);
  scene.pass(5000 * kMs);
  REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
  CHECK_FALSE(scene.of(Rule::kBuildRequest)[0].build->dockerfile.has_value());
}

TEST_CASE("An engine inside a container stays one when its connection is forgotten") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.step(1, 200 * kMs, 1, 'a', 2);
  run_engine(scene, 300 * kMs, 'a');
  for (ConnId n = 0; n < tracker::kMaxConnections + 2; ++n) {
    open(scene, 50 + n, 310 * kMs + n, kFakeEngine);
  }
  scene.learn(answer(50, 320 * kMs, 'a', "x"));
  scene.connect(400 * kMs, 'a', "192.0.2.1", 1);
  scene.pass(3000 * kMs);
  CHECK(scene.of(Rule::kBuildEgress).size() == 1);
}

TEST_CASE(
    "An engine inside a container: its build, step, image and deployment, with the container") {
  Scene scene;
  scene.created(10 * kMs, 'a', "dind:1");
  scene.start(20 * kMs, 'a', "dockerd");
  Inside inside(scene, 30 * kMs, 'a');
  inside.request(50, 100 * kMs);
  inside.step(50, 110 * kMs, 1, 'b');
  inside.connect(200 * kMs, 'b', "192.0.2.1", 1);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  const auto egress = scene.of(Rule::kBuildEgress)[0];
  CHECK(egress.build->container_id == container('a'));
  CHECK(egress.step->container_id == container('b'));
  CHECK(egress.step->number == 1);
  CHECK(egress.step->attribution == Attribution::kExact);
  CHECK(egress.connection->first_in_builds);
  CHECK(has_reason(egress, "nested-engine"));
  scene.learn(BuildImageAnnounced{300 * kMs, {50, 0}, "sha256:" + container('f'), false});
  scene.end(50, 310 * kMs);
  // The same name elsewhere means nothing; inside it is that image.
  scene.created(400 * kMs, 'c', "inner:1");
  scene.started(410 * kMs, container('c'));
  CHECK(scene.of(Rule::kImageDeploy).empty());
  open(scene, 51, 420 * kMs, kFakeEngine);
  scene.learn(answer(51, 430 * kMs, 'd', "inner:1"));
  scene.learn(ContainerStarted{440 * kMs, {51, 1}, container('d')});
  REQUIRE(scene.of(Rule::kImageDeploy).size() == 1);
  CHECK(scene.of(Rule::kImageDeploy)[0].build->id == egress.build->id);
  CHECK(scene.of(Rule::kImageDeploy)[0].build->container_id == container('a'));
  CHECK(told(scene) == 0);
  scene.see(ConnClosed{450 * kMs, 50});
  scene.pass(60'000 * kMs);
  CHECK(scene.tracker().held().builds == 0);
}

TEST_CASE("A connection of a step inside a step is told under both builds") {
  for (const bool quiet : {false, true}) {
    Scene scene;
    scene.request(1, 5 * kMs, quiet);
    if (quiet) {
      scene.dockerfile(1, 6 * kMs, {"FROM x", "RUN step 1"});
      scene.start(20 * kMs, 'a', "step 1");
    } else {
      scene.step(1, 10 * kMs, 1, 'a', 2);
    }
    Inside inside(scene, 40 * kMs, 'a');
    inside.request(50, 100 * kMs);
    inside.step(50, 110 * kMs, 1, 'b');
    inside.connect(200 * kMs, 'b', "192.0.2.1", 1);
    scene.pass(3000 * kMs);
    const auto found = scene.of(Rule::kBuildEgress);
    REQUIRE(found.size() == 2);
    for (const auto& one : found) {
      const bool inner = !one.build->container_id.empty();
      CHECK(one.step->container_id == container(inner ? 'b' : 'a'));
      CHECK(one.connection->first_in_builds);
      CHECK(has_reason(one, "first-seen-on-host"));
    }
    CHECK(found[0].build->id != found[1].build->id);
  }
}

TEST_CASE("No cgroup that a step makes or that a request chooses hides a step") {
  // 0: the step moved itself below its own cgroup, 1: and executed there, 2: a child did,
  // 3: the request chose the parent of its steps' cgroups, in which an engine runs.
  for (const int way : {0, 1, 2, 3}) {
    CAPTURE(way);
    Scene scene;
    scene.created(1 * kMs, 'd', "x");
    scene.start(2 * kMs, 'd', "sleep");
    if (way == 3) Inside victim(scene, 3 * kMs, 'd');
    if (way == 3) open(scene, 60, 4 * kMs, kFakeEngine);
    scene.request(1, 5 * kMs);
    scene.line(1, 10 * kMs, 1, 2, "RUN step");
    scene.running_in(1, 11 * kMs, 'a');
    Process init = scene.process('a');
    init.comm = "sh";
    init.args = {"/bin/sh", "-c", "step"};
    const std::string scope = "system.slice/docker-";
    if (way == 3) init.cgroup.path = scope + container('d') + ".scope/" + container('a');
    scene.see(ProcessExecuted{30 * kMs, init});
    if (way < 3)
      init.cgroup.path = scope + container('a') + ".scope/docker-" + container('d') + ".scope";
    Process who = init;
    if (way == 1) scene.see(ProcessExecuted{40 * kMs, init});
    if (way == 2) {
      scene.see(ProcessExecuted{40 * kMs, init});
      scene.see(ProcessForked{41 * kMs, init.pid, 2000, 2000});
      who.ppid = init.pid;
      who.pid = 2000;
      who.start = 2000;
      scene.see(ProcessExecuted{42 * kMs, who});
    }
    scene.see(EgressStarted{50 * kMs, 1, 6, Outcome::kPending, {"192.0.2.1", 80}, who});
    scene.see(EgressOutcome{51 * kMs, 1, Outcome::kRefused});
    scene.pass(3000 * kMs);
    REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
    CHECK(scene.of(Rule::kBuildEgress)[0].step->container_id == container('a'));
    CHECK(scene.of(Rule::kBuildEgress)[0].build->container_id.empty());
  }
}

TEST_CASE("An engine in a container claims nothing outside of it, whatever it says") {
  Scene scene;
  scene.created(10 * kMs, 'a', "dind:1");
  scene.start(20 * kMs, 'a', "dockerd");
  Inside inside(scene, 30 * kMs, 'a');
  inside.request(50, 100 * kMs);
  scene.line(50, 110 * kMs, 1, 9, "RUN step 1");
  scene.running_in(50, 111 * kMs, 'b');
  scene.start(130 * kMs, 'b', "step 1");  // the host's container of that id
  scene.connect(200 * kMs, 'b', "192.0.2.1", 1);
  Inside other(scene, 210 * kMs, 'c');  // and one of another container's engine
  scene.running_in(50, 220 * kMs, 'd');
  other.start(240 * kMs, 'd', "step 1");
  other.connect(250 * kMs, 'd', "192.0.2.2", 2);
  scene.pass(3000 * kMs);
  CHECK(scene.of(Rule::kBuildEgress).empty());
}

TEST_CASE("Engines of engines in containers, and more of them than are followed, are told") {
  Scene scene;
  Process deep = scene.process('b', 5002);
  deep.comm = "dockerd";
  deep.cgroup.path = "docker-" + container('a') + ".scope/docker/" + container('b');
  deep.ppid = kFakeEngine;
  run_engine(scene, 10 * kMs, 'a');
  scene.see(ProcessExecuted{20 * kMs, deep});
  open(scene, 50, 30 * kMs, 5002);
  open(scene, 51, 31 * kMs, 5002);
  CHECK(told(scene) == 1);
  CHECK(scene.of(Rule::kSensorBlind)[0].summary.find(container('b')) != std::string::npos);
  for (std::uint32_t n = 0; n <= tracker::kMaxNested; ++n) {
    Process engine = scene.process('e', 6000 + n);
    const std::string number = std::to_string(100 + n);
    engine.cgroup.path = "docker-" + std::string(61, 'e') + number + ".scope";
    scene.see(ProcessExecuted{40 * kMs, engine});
    open(scene, 100 + n, 41 * kMs, 6000 + n);
  }
  CHECK(told(scene) == 2);
}
