// What buildkitd makes: known by its digests once a store takes it in, never by the name alone.
#include <catch2/catch_test_macros.hpp>

#include "unit/tracker/buildkit_scene.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using namespace kilnwatch::test;

namespace {

constexpr std::uint32_t kBuildkitd = 4000;
constexpr ConnId kBuild = 1, kDocker = 7;

std::string id(char c) { return "sha256:" + std::string(64, c); }

// A conversation with a buildkitd, in container `home` where one is given, that asks for a build.
void ask(Scene& scene, TimeNs at, char home = 0) {
  Process engine;
  if (home != 0) engine = scene.process(home, kBuildkitd);
  engine.pid = kBuildkitd;
  engine.start = kBuildkitd;
  engine.comm = "buildkitd";
  engine.exe = "/usr/bin/buildkitd";
  scene.see(ProcessExecuted{at - kMs, engine});
  ConnOpened opened;
  opened.time = at;
  opened.conn = kBuild;
  opened.engine = EngineKind::kBuildkitd;
  opened.engine_pid = kBuildkitd;
  scene.see(opened);
  BuildRequested build;
  build.time = at;
  build.call = {kBuild, 0};
  build.tags = {"evil:1"};
  build.buildkit = true;
  build.engine = EngineKind::kBuildkitd;
  scene.learn(build);
}

// The image has the configuration c and the manifest d.
void make(Scene& scene, TimeNs at, char home = 0) {
  ask(scene, at, home);
  for (const char one : {'c', 'd'})
    scene.learn(BuildImageAnnounced{at + 10 * kMs, {kBuild, 0}, id(one), false});
  scene.end(kBuild, at + 20 * kMs);
}

ImageMoved arrives(TimeNs time, Arrival road, const std::string& reference,
                   const std::string& image, bool certain = true) {
  return {time, {kDocker, 0}, reference, false, image, certain, road};
}

std::vector<Finding> run(Scene& scene, TimeNs time, char letter, const std::string& image) {
  scene.created(time, letter, image);
  scene.started(time + 10 * kMs, container(letter));
  return scene.of(Rule::kImageDeploy);
}

}  // namespace

TEST_CASE("The name of a build of buildkitd says nothing of an image in docker's store") {
  Scene scene;
  make(scene, 100 * kMs);
  REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
  CHECK(run(scene, 200 * kMs, 'e', "evil:1").empty());
  // Nor does the build take the name from the image that has it there.
  Scene other;
  other.open(kDocker, 50 * kMs);
  other.learn(arrives(60 * kMs, Arrival::kLoad, "evil:1", id('7')));
  make(other, 100 * kMs);
  const auto found = run(other, 200 * kMs, 'e', "evil:1");
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found[0].build);
  CHECK(found[0].image->id == id('7'));
}

TEST_CASE("What is pulled or loaded by a digest of such a build is its image") {
  for (const char by : {'c', 'd'}) {
    for (const auto road : {Arrival::kPull, Arrival::kLoad}) {
      Scene scene;
      make(scene, 100 * kMs);
      scene.open(kDocker, 150 * kMs);
      scene.learn(arrives(160 * kMs, road, "mine:2", id(by)));
      const auto found = run(scene, 200 * kMs, 'e', "mine:2");
      REQUIRE(found.size() == 1);
      REQUIRE(found[0].build);
      CHECK(found[0].build->id == scene.of(Rule::kBuildRequest)[0].build->id);
      CHECK(found[0].image->tags == std::vector<std::string>{"mine:2"});
      CHECK(found[0].import.has_value() == (road == Arrival::kLoad));
      const auto imports = scene.of(Rule::kImageImport);
      CHECK(imports.size() == (road == Arrival::kLoad ? 1 : 0));
      if (!imports.empty()) CHECK(has_reason(imports[0], "built-here"));
      // Another image takes the name over.
      scene.learn(arrives(300 * kMs, road, "mine:2", id('7')));
      const auto later = run(scene, 400 * kMs, 'f', "mine:2");
      for (std::size_t i = 1; i < later.size(); ++i) CHECK_FALSE(later[i].build);
    }
  }
}

TEST_CASE("A pod of an image that buildkitd made is found by its configuration") {
  Scene scene;
  make(scene, 100 * kMs);
  ContainerCreated created;
  created.time = 200 * kMs;
  created.call = {30, 0};
  created.container_id = container('e');
  created.image = id('c');
  created.engine_namespace = "k8s.io";
  scene.learn(created);
  scene.learn(ContainerStarted{210 * kMs, {30, 1}, container('e'), "k8s.io"});
  const auto found = scene.of(Rule::kImageDeploy);
  REQUIRE(found.size() == 1);
  CHECK(found[0].build.has_value());
}

TEST_CASE("A load that tells a name alone has the build as a candidate") {
  Scene scene;
  make(scene, 100 * kMs);
  scene.open(kDocker, 150 * kMs);
  scene.learn(arrives(160 * kMs, Arrival::kLoad, "docker.io/library/evil:1", "", false));
  const auto imports = scene.of(Rule::kImageImport);
  REQUIRE(imports.size() == 1);
  CHECK(has_reason(imports[0], "candidate"));
  CHECK_FALSE(has_reason(imports[0], "built-here"));
  const auto found = run(scene, 200 * kMs, 'e', "evil:1");
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found[0].build);
  CHECK(has_reason(found[0], "candidate"));
}

TEST_CASE("An engine in a container is believed about its image, and said to be one") {
  Scene scene;
  scene.start(50 * kMs, '9');
  make(scene, 100 * kMs, '9');
  scene.open(kDocker, 150 * kMs);
  scene.learn(arrives(160 * kMs, Arrival::kLoad, "", id('c')));
  const auto found = run(scene, 200 * kMs, 'e', id('c'));
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].build);
  CHECK(found[0].build->container_id == container('9'));
  CHECK(has_reason(found[0], "nested-engine"));
  // Its word takes the import away from nobody.
  CHECK(scene.of(Rule::kImageImport).size() == 1);
  CHECK(found[0].import.has_value());
}

TEST_CASE("A step is of the engine whose runtime runs it") {
  BuildKitScene scene;
  // dockerd, asked at the same time for the same.
  ConnOpened opened;
  opened.time = 90 * kMs;
  opened.conn = 2;
  opened.engine = EngineKind::kDocker;
  opened.engine_pid = kDockerd;
  scene.see(opened);
  BuildRequested build;
  build.time = 91 * kMs;
  build.call = {2, 0};
  build.tags = {"good:1"};
  build.buildkit = true;
  scene.learn(build);
  ask(scene, 100 * kMs);
  for (const ConnId conn : {kBuild, ConnId{2}})
    scene.vertex(conn, 200 * kMs, 'a', "RUN wget x", 190 * kMs);
  scene.run_step(210 * kMs, 'a', "wget x", kBuildkitd);
  scene.run_step(211 * kMs, 'b', "wget x", kDockerd);
  scene.reach(250 * kMs, 'a', "192.0.2.1", 1);
  scene.reach(251 * kMs, 'b', "192.0.2.2", 2);
  scene.vertex(kBuild, 600 * kMs, 'a', "RUN wget x", 190 * kMs, 590 * kMs);
  scene.vertex(2, 600 * kMs, 'a', "RUN wget x", 190 * kMs, 590 * kMs);
  scene.finish();
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 2);
  for (const auto& finding : found) {
    REQUIRE(finding.build);
    const bool first = finding.connection->destination.ip == "192.0.2.1";
    CHECK(finding.build->request.tags[0] == (first ? "evil:1" : "good:1"));
    CHECK(finding.step->attribution == Attribution::kExact);
  }
}
