// Engines inside containers: what they say is not about the host's containers and images.
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
    REQUIRE(told(scene) == (nested ? 1 : 0));
    if (!nested) continue;
    const auto blind = scene.of(Rule::kSensorBlind)[0];
    CHECK(blind.summary.find(container('a')) != std::string::npos);
    CHECK(blind.summary.find("not followed") != std::string::npos);
  }
}

TEST_CASE("An engine inside a container makes no builds, claims, images, tags or deployments") {
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
  CHECK(scene.tracker().open_builds() == 1);
  scene.running_in(50, 170 * kMs, 'b');
  scene.learn(ImageTagged{180 * kMs, {50, 1}, "elsewhere:1", "image1:1"});  // would take the tag
  scene.learn(ConversationBlind{181 * kMs, 50, "http", std::nullopt});
  scene.learn(answer(50, 190 * kMs, 'd', "image1:1"));
  scene.pass(3000 * kMs);
  CHECK(scene.of(Rule::kImageDeploy).empty());
  scene.created(3100 * kMs, 'c', "image1:1");
  scene.started(3110 * kMs, container('c'));
  CHECK(scene.of(Rule::kImageDeploy).size() == 1);
  CHECK(scene.of(Rule::kBuildRequest).size() == 1);
  CHECK(scene.of(Rule::kSensorBlind).size() == 1);
  CHECK(told(scene) == 1);
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
  CHECK(told(scene) == 1);
}
