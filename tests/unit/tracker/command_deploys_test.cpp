// Containers that podman's command starts, and what processes that only play it can say.
#include <catch2/catch_test_macros.hpp>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using namespace kilnwatch::test;

namespace {

std::string digest(char c) { return "sha256:" + container(c); }

// As podman's conmon has it: the image by its id, and by the first of its names.
ContainerCreated run(TimeNs time, char id, const std::string& image, char resolved) {
  ContainerCreated fact;
  fact.time = time;
  fact.call = {ConnId{1} << 63 | static_cast<ConnId>(id), 0};
  fact.container_id = container(id);
  fact.image = image;
  fact.resolved_image = digest(resolved);
  fact.by_command = true;
  Process podman;
  podman.pid = 77;
  podman.comm = "podman";
  podman.args = {"podman", "run", image};
  podman.cgroup.path = "user.slice/session.scope";
  fact.client = podman;
  return fact;
}

std::size_t deploys(const Scene& scene) { return scene.of(Rule::kImageDeploy).size(); }

}  // namespace

TEST_CASE("A container of an image that was not built here is no deployment, by any short name") {
  for (const std::string name : {"a:1", "a", "", "docker.io/library/nginx:latest"}) {
    CAPTURE(name);
    Scene scene;
    scene.learn(run(100 * kMs, 'c', name, 'e'));
    scene.pass(9000 * kMs);
    CHECK(deploys(scene) == 0);
  }
}

TEST_CASE("A step that plays podman does not take its container out of its build") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.step(1, 200 * kMs, 1, 'a', 2);
  auto forged = run(300 * kMs, 'a', "x", 'e');
  forged.client->cgroup.path = "system.slice/docker-" + container('a') + ".scope";
  scene.learn(forged);
  scene.connect(400 * kMs, 'a', "192.0.2.1", 1);
  scene.pass(3000 * kMs);
  CHECK(scene.of(Rule::kBuildEgress).size() == 1);
}

TEST_CASE("A container of podman's command is told once, as started") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.learn(BuildImageAnnounced{110 * kMs, {1, 0}, digest('e'), false});
  scene.end(1, 120 * kMs);
  scene.learn(run(200 * kMs, 'c', "localhost/x:1", 'e'));
  REQUIRE(deploys(scene) == 1);
  const auto found = scene.of(Rule::kImageDeploy)[0];
  CHECK(found.deployment->started);
  CHECK(found.image->id == digest('e'));
  CHECK(found.deployment->client.process->pid == 77);
  scene.pass(9000 * kMs);
  CHECK(deploys(scene) == 1);
}
