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
