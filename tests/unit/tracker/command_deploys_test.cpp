// Containers that podman's command starts, and what processes that only play it can say.
#include <catch2/catch_test_macros.hpp>

#include "tracker/scopes.h"
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

namespace {

struct Who {
  std::uint32_t uid = 0;
  std::string cgroup = "user.slice/session.scope";
  EngineKind engine = EngineKind::kPodman;
  std::vector<std::string> args = {"podman", "build", "."};
};

// A build that is a command; `id` 0: what it made is not known.
void command_build(Scene& scene, TimeNs time, std::uint32_t pid, const Who& who,
                   const std::string& tag, char id) {
  BuildRequested build;
  build.time = time;
  build.call = {ConnId{1} << 63 | pid, 0};
  build.engine = who.engine;
  build.command.emplace();
  auto& client = build.command->client;
  client.pid = pid;
  client.start = pid;
  client.uid = who.uid;
  client.args = who.args;
  client.cgroup.path = who.cgroup;
  build.tags = {tag};
  scene.learn(build);
  scene.learn(BuildTagAnnounced{time + kMs, build.call, tag});
  scene.learn(BuildEnded{time + 2 * kMs, build.call, BuildStatus::kSucceeded, 0, {}});
  if (id != 0) scene.learn(BuildImageAnnounced{time + 3 * kMs, build.call, digest(id), true});
  scene.pass(time + 300 * kMs);
}

// Over an API: creates and starts a container.
void api_run(Scene& scene, TimeNs time, ConnId conn, EngineKind engine, const std::string& path,
             char id, const std::string& image) {
  ConnOpened opened;
  opened.time = time;
  opened.conn = conn;
  opened.engine = engine;
  opened.join = conn;
  opened.path = path;
  scene.see(opened);
  ContainerCreated made;
  made.time = time + kMs;
  made.call = {conn, 0};
  made.container_id = container(id);
  made.image = image;
  scene.learn(made);
  scene.learn(ContainerStarted{time + 2 * kMs, {conn, 1}, container(id)});
}

constexpr const char* kRoots = "/run/podman/podman.sock";

}  // namespace

TEST_CASE("A name means something in the store of the user who gave it") {
  for (const auto& [uid, path, told] :
       {std::tuple{1000U, kRoots, 0U}, std::tuple{0U, kRoots, 1U},
        std::tuple{1000U, "/run/user/1000/podman/podman.sock", 1U},
        std::tuple{1000U, "/run/user/1001/podman/podman.sock", 0U}}) {
    CAPTURE(uid, path);
    Scene scene;
    command_build(scene, 100 * kMs, 50, {uid}, "docker.io/library/nginx:latest", 'f');
    api_run(scene, 1000 * kMs, 30, EngineKind::kPodman, path, 'c', "nginx:latest");
    CHECK(deploys(scene) == told);
    // By its id it is the same image for everybody.
    api_run(scene, 2000 * kMs, 31, EngineKind::kPodman, path, 'd', digest('f'));
    CHECK(deploys(scene) == told + 1);
  }
}

TEST_CASE("A store of its own has each --root, and each container") {
  Who other;
  other.args = {"podman", "--root", "/srv/x", "build", "."};
  Who inside;
  inside.cgroup = "system.slice/docker-" + container('a') + ".scope";
  for (const Who& who : {other, inside}) {
    Scene scene;
    command_build(scene, 100 * kMs, 50, who, "localhost/x:1", 'f');
    api_run(scene, 1000 * kMs, 30, EngineKind::kPodman, kRoots, 'c', "localhost/x:1");
    CHECK(deploys(scene) == 0);
  }
}

TEST_CASE("What a container's own words say of a --root is none of podman's") {
  CHECK(tracker::root_of({"podman", "--root", "/srv/x", "run", "a"}) == "/srv/x");
  CHECK(tracker::root_of({"podman", "--log-level", "debug", "--root=/srv/x", "build", "."}) ==
        "/srv/x");
  CHECK(tracker::root_of({"podman", "run", "a", "server", "--root", "/srv"}).empty());
}

TEST_CASE("What kaniko pushes is no name of a store here") {
  Scene scene;
  command_build(scene, 100 * kMs, 50, {0, "docker-" + container('a'), EngineKind::kKaniko},
                "quay.io/corp/app:1", 0);
  scene.learn(run(1000 * kMs, 'c', "quay.io/corp/app:1", 'e'));
  api_run(scene, 2000 * kMs, 30, EngineKind::kPodman, kRoots, 'd', "quay.io/corp/app:1");
  CHECK(deploys(scene) == 0);
}

TEST_CASE("The image that podman took decides, not its name") {
  Scene scene;
  command_build(scene, 100 * kMs, 50, {}, "localhost/x:1", 'f');
  scene.learn(run(1000 * kMs, 'c', "localhost/x:1", 'e'));
  CHECK(deploys(scene) == 0);
  scene.learn(run(1100 * kMs, 'd', "localhost/x:1", 'f'));
  CHECK(deploys(scene) == 1);
  // Which image that build made was not seen: it may be this one.
  command_build(scene, 2000 * kMs, 51, {}, "localhost/y:1", 0);
  auto fact = run(3000 * kMs, 'a', "localhost/y:1", 'e');
  fact.client->uid = 0;
  scene.learn(fact);
  REQUIRE(deploys(scene) == 2);
  CHECK_FALSE(scene.of(Rule::kImageDeploy)[1].build);
  CHECK(has_reason(scene.of(Rule::kImageDeploy)[1], "image-uncertain"));
}

TEST_CASE("podman in a container speaks of its own store and container, and takes no other's") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.learn(BuildImageAnnounced{110 * kMs, {1, 0}, digest('f'), false});
  scene.end(1, 120 * kMs);
  scene.created(200 * kMs, 'c', "image1:1", "web");
  auto forged = run(300 * kMs, 'c', "x", 'f');  // the same id and name
  forged.name = "web";
  forged.client->cgroup.path = "system.slice/docker-" + container('a') + ".scope";
  scene.learn(forged);
  CHECK(deploys(scene) == 0);
  scene.started(400 * kMs, "web");
  REQUIRE(deploys(scene) == 1);
  CHECK_FALSE(scene.of(Rule::kImageDeploy)[0].deployment->container.by_command);
}

TEST_CASE("A user's own dockerd has names of its own") {
  const std::string path = "/run/user/1000/docker.sock";
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.learn(BuildImageAnnounced{110 * kMs, {1, 0}, digest('f'), false});
  scene.end(1, 120 * kMs);
  api_run(scene, 1000 * kMs, 30, EngineKind::kDocker, path, 'c', "image1:1");
  CHECK(deploys(scene) == 0);
  scene.learn(
      ImageTagged{1100 * kMs, {30, 2}, "elsewhere:1", "image1:1"});  // takes no tag of root's
  api_run(scene, 1200 * kMs, 31, EngineKind::kDocker, "/run/docker.sock", 'd', "image1:1");
  CHECK(deploys(scene) == 1);
}
