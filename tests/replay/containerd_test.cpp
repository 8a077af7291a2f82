// Images that docker builds and containerd runs, through the whole pipeline, and spoilt.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "harness/containerd_engine.h"
#include "harness/spoilt.h"

namespace kilnwatch::test {
namespace {

const std::string kImage = "sha256:" + std::string(64, 'e');
const std::string kOther = "sha256:" + std::string(64, '7');
const std::string kName = "docker.io/library/evil:1";

// evil:1, whose step connects, done at 1000.
void build(ContainerdEngine& engine) {
  engine.docker.request(1, 100, "evil:1");
  const std::string name = "[2/2] RUN wget http://192.0.2.1/";
  engine.docker.graph(1, 200, "docker.io/library/alpine:3", {name});
  engine.docker.step({1, name, "wget http://192.0.2.1/", 'a', "192.0.2.1", 300, 300});
  engine.docker.end(1, 1000, kImage);
}

Events import_and_run() {
  ContainerdEngine engine;
  build(engine);
  engine.import(10, 1500, "default", kName, kImage);
  engine.run(11, 2000, "default", kName, "job", true);
  // Another image takes the name over.
  engine.import(12, 3000, "default", kName, kOther);
  engine.run(13, 3500, "default", kName, "other");
  return engine.events();
}

Events pod() {
  ContainerdEngine engine;
  engine.open(20, 50, "kubelet");
  build(engine);
  engine.import(10, 1500, "k8s.io", kName, kImage);
  engine.pod(20, 2000, "web-0", '1', {"", "app", "evil:1", kImage, true}, '2', true);
  engine.pod(20, 2500, "db-0", '3', {"", "app", "", kName}, '4');
  engine.pod(20, 3000, "none-0", '5', {"", "app", "evil:1", kOther}, '6');
  engine.call(20, 3500, kCriImages + "PullImage", pull_request(kName), "", part(1, kOther));
  engine.pod(20, 4000, "none-1", '7', {"", "app", "", kName}, '8');
  return engine.events();
}

// dockerd has containerd run what its own client asked it for.
Events beside_docker() {
  ContainerdEngine engine;
  engine.open(30, 50, "dockerd");
  build(engine);
  engine.docker.deploy(2, 2000, "evil:1", 'c');
  const std::string id(64, 'c');
  engine.call(30, 2030, kOwnServices + "containers.v1.Containers/Create",
              container_request(id, "", true), "moby");
  engine.call(30, 2040, kOwnServices + "tasks.v1.Tasks/Start", part(1, id), "moby", number(1, 9));
  engine.call(30, 2050, kOwnServices + "images.v1.Images/Create", image_request(kName, kOther),
              "moby");
  return engine.events();
}

const Scenes kAll = {
    {"import and run", import_and_run}, {"pod", pod}, {"beside docker", beside_docker}};

// Those that say what they are about. A deployment of a name that may mean another image says so,
// and names neither a build nor an image.
Alerts certain(const Alerts& alerts) {
  Alerts out;
  for (const auto& alert : alerts) {
    const bool doubt = std::any_of(alert.reasons().begin(), alert.reasons().end(),
                                   [](const auto& r) { return r.code() == "image-uncertain"; });
    if (!doubt) out.push_back(alert);
    if (doubt && (alert.has_build() || !alert.image().id().empty()))
      FAIL_CHECK("a doubt that names a build: " << alert.summary());
  }
  return out;
}

}  // namespace

TEST_CASE("containerd: an image built by docker is imported and run") {
  const auto alerts = alerts_of(import_and_run());
  INFO(text_of(alerts));
  // Request, connection, two imports (another image comes by the same name), deployment.
  CHECK(alerts.size() == 5);
  const auto found = of_rule(alerts, "image-deploy");
  REQUIRE(found.size() == 1);
  CHECK(found[0].image().id() == kImage);
  CHECK(found[0].build().request().tags(0) == "evil:1");
  CHECK(found[0].connection().destination().ip() == "192.0.2.1");
  const auto& deployment = found[0].deployment();
  CHECK(deployment.container_id() == "job");
  CHECK(deployment.namespace_() == "default");
  CHECK_FALSE(deployment.has_pod());
  CHECK(deployment.privileged());
  CHECK(deployment.binds(0) == "/:/host:ro");
  CHECK(deployment.client().exe() == "/usr/bin/ctr");
  CHECK(deployment.client().uid() == 2011);
}

TEST_CASE("containerd: pods that run an image built by docker, by its id and by its name") {
  const auto alerts = alerts_of(pod());
  INFO(text_of(alerts));
  const auto found = of_rule(alerts, "image-deploy");
  REQUIRE(found.size() == 2);
  CHECK(found[0].deployment().pod().namespace_() == "shop");
  CHECK(found[0].deployment().pod().name() == "web-0");
  CHECK(found[0].deployment().namespace_() == "k8s.io");
  CHECK(found[0].deployment().host_namespaces_size() == 2);
  CHECK(found[1].deployment().pod().name() == "db-0");
  for (const auto& alert : found) CHECK(alert.image().id() == kImage);
}

TEST_CASE("containerd: what dockerd has it run is told once") {
  const auto alerts = alerts_of(beside_docker());
  INFO(text_of(alerts));
  CHECK(alerts.size() == 3);
  REQUIRE(of_rule(alerts, "image-deploy").size() == 1);
  CHECK(of_rule(alerts, "image-deploy")[0].deployment().namespace_().empty());
}

TEST_CASE("containerd: permuted within 50 ms the very same alerts") { same_in_any_order(kAll); }

TEST_CASE("containerd: with lost records never a wrong attribution, and what is missing is said") {
  never_wrong_with_losses(kAll, certain);
}

TEST_CASE("containerd: from a late start never a wrong attribution") {
  never_wrong_from_late_starts(kAll, 20, certain);
}

TEST_CASE("containerd: a recording gives the same alerts, and no canary") {
  same_from_recordings(kAll, no_canary);
}

}  // namespace kilnwatch::test
