#include <catch2/catch_test_macros.hpp>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using namespace kilnwatch::test;

namespace {

std::string hex(char c) { return std::string(64, c); }

// Builds image<conn>:1 with id `id` repeated.
void build(Scene& scene, ConnId conn, TimeNs at, char id,
           BuildStatus status = BuildStatus::kSucceeded) {
  scene.request(conn, at);
  scene.learn(BuildImageAnnounced{at + 10 * kMs, {conn, 0}, "sha256:" + hex(id), false});
  scene.learn(BuildImageAnnounced{at + 11 * kMs, {conn, 0}, hex(id).substr(0, 12), true});
  scene.end(conn, at + 20 * kMs, status);
}

std::size_t deploys(Scene& scene) { return scene.of(Rule::kImageDeploy).size(); }

}  // namespace

TEST_CASE("An image is reached by tag, id, short id and digest") {
  for (const std::string& name :
       {std::string("image1:1"), std::string("docker.io/library/image1:1"), "sha256:" + hex('f'),
        hex('f'), std::string("f"), std::string("sha256:ff"), "any/name@sha256:" + hex('f')}) {
    CAPTURE(name);
    Scene scene;
    build(scene, 1, 100 * kMs, 'f');
    scene.created(200 * kMs, 'd', name);
    scene.started(210 * kMs, hex('d'));
    CHECK(deploys(scene) == 1);
  }
  for (const std::string& name : {std::string("image1"), std::string("image1:2"), hex('e'),
                                  std::string(), "any@sha256:" + hex('e'), std::string("evil/f")}) {
    CAPTURE(name);
    Scene scene;
    build(scene, 1, 100 * kMs, 'f');
    scene.created(200 * kMs, 'd', name);
    scene.started(210 * kMs, hex('d'));
    scene.pass(9000 * kMs);
    CHECK(deploys(scene) == 0);
  }
}

// docker save | docker load, and a load that its client leaves before it is answered.
TEST_CASE("Who puts an image's name in doubt does not have the story of its build forgotten") {
  for (const std::string name : {"image1:1", ""}) {
    CAPTURE(name);
    Scene scene;
    scene.request(1, 100 * kMs);
    scene.step(1, 200 * kMs, 2, 'c');
    scene.connect(300 * kMs, 'c', "192.0.2.1", 1);
    scene.pass(2000 * kMs);
    scene.end(1, 3000 * kMs);
    ImageMoved moved{3100 * kMs, {800, 0}, name, false, {}, false, Arrival::kLoad};
    moved.perhaps = name.empty();
    scene.learn(moved);
    scene.created(3200 * kMs, 'd', "image1:1");
    scene.started(3210 * kMs, hex('d'));
    REQUIRE(deploys(scene) == 1);
    const auto found = scene.of(Rule::kImageDeploy)[0];
    CHECK(has_reason(found, "image-uncertain"));
    CHECK(has_reason(found, "chain-closed"));
    CHECK(found.severity == Severity::kHigh);
  }
}

TEST_CASE("A short id that two images have is nobody's") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.learn(BuildImageAnnounced{110 * kMs, {1, 0}, "sha256:ab" + std::string(62, '1'), false});
  scene.end(1, 120 * kMs);
  scene.request(2, 200 * kMs);
  scene.learn(BuildImageAnnounced{210 * kMs, {2, 0}, "sha256:ac" + std::string(62, '1'), false});
  scene.end(2, 220 * kMs);
  scene.created(300 * kMs, 'c', "a");
  scene.started(301 * kMs, hex('c'));
  CHECK(deploys(scene) == 0);
  scene.created(400 * kMs, 'd', "ac");
  scene.started(401 * kMs, hex('d'));
  REQUIRE(deploys(scene) == 1);
  CHECK(scene.of(Rule::kImageDeploy)[0].image->id.empty());  // it may be a name
}

TEST_CASE("A few digits of an id may be the name of another image, twelve are none") {
  const std::string id = "cafe" + std::string(60, '1');
  for (const std::string& image : {std::string("cafe"), id.substr(0, 12), "sha256:" + id}) {
    CAPTURE(image);
    Scene scene;
    scene.request(1, 100 * kMs);
    scene.learn(BuildImageAnnounced{110 * kMs, {1, 0}, "sha256:" + id, false});
    scene.end(1, 120 * kMs);
    scene.created(200 * kMs, 'd', image);
    scene.started(210 * kMs, hex('d'));
    REQUIRE(deploys(scene) == 1);
    const auto found = scene.of(Rule::kImageDeploy)[0];
    const bool sure = image != "cafe";
    CHECK(found.build.has_value() == sure);
    CHECK(has_reason(found, "image-uncertain") != sure);
    if (!sure) CHECK(has_reason(found, "candidate"));
  }
}

TEST_CASE("The container is reached by id, name and short id") {
  for (const std::string& reference : {hex('d'), std::string("d"), std::string("web"),
                                       std::string("/web"), hex('d').substr(0, 12)}) {
    CAPTURE(reference);
    Scene scene;
    build(scene, 1, 100 * kMs, 'f');
    scene.created(200 * kMs, 'd', "image1:1", "web");
    scene.created(201 * kMs, 'e', "image1:1", "other");
    scene.started(300 * kMs, reference);
    REQUIRE(deploys(scene) == 1);
    const auto found = scene.of(Rule::kImageDeploy)[0];
    CHECK(found.deployment->container.container_id == hex('d'));
    CHECK(found.deployment->started);
    CHECK(found.deployment->time == 300 * kMs);
  }
}

TEST_CASE("Created and not started is told as such after two seconds, a later start once more") {
  Scene scene;
  build(scene, 1, 100 * kMs, 'f');
  scene.created(200 * kMs, 'd', "image1:1", "web");
  scene.created(201 * kMs, 'e', "elsewhere:1");
  scene.pass(2100 * kMs);
  CHECK(deploys(scene) == 0);
  scene.pass(2500 * kMs);
  REQUIRE(deploys(scene) == 1);
  const auto found = scene.of(Rule::kImageDeploy)[0];
  CHECK(found.time == 2200 * kMs);
  CHECK(found.deployment->time == 200 * kMs);
  CHECK_FALSE(found.deployment->started);
  CHECK(found.summary.find("created, not started so far") != std::string::npos);
  scene.started(3000 * kMs, "web");
  scene.started(4000 * kMs, hex('d'));
  scene.started(4001 * kMs, hex('e'));
  scene.pass(9000 * kMs);
  REQUIRE(deploys(scene) == 2);
  const auto second = scene.of(Rule::kImageDeploy)[1];
  CHECK(second.id != found.id);
  CHECK(second.build->id == found.build->id);
  CHECK(second.deployment->started);
  CHECK(second.deployment->time == 3000 * kMs);
  CHECK(second.deployment->container.container_id == hex('d'));
  CHECK(has_reason(second, "told-as-created"));
  CHECK(scene.tracker().held().deploys == 0);
}

TEST_CASE("A container goes by the name that it was given last") {
  for (const bool late : {false, true}) {
    CAPTURE(late);
    Scene scene;
    build(scene, 1, 100 * kMs, 'f');
    scene.created(200 * kMs, 'd', "image1:1", "a");
    if (late) scene.started(209 * kMs, "b");  // told a little too early
    scene.learn(ContainerRenamed{210 * kMs, {902, 0}, "/a", "/b"});
    scene.created(220 * kMs, 'e', "elsewhere:1", "a");  // the name is free again
    if (!late) scene.started(300 * kMs, "b");
    scene.pass(9000 * kMs);
    REQUIRE(deploys(scene) == 1);
    const auto found = scene.of(Rule::kImageDeploy)[0];
    CHECK(found.deployment->started);
    CHECK(found.deployment->container.name == "b");
  }
}

TEST_CASE("A start that nobody was heard asking for shows in the kernel") {
  for (const bool soon : {true, false}) {  // before it is told as created, or after
    CAPTURE(soon);
    Scene scene;
    build(scene, 1, 100 * kMs, 'f');
    scene.created(200 * kMs, 'd', "image1:1", "a");
    const TimeNs start = (soon ? 300 : 4000) * kMs;
    scene.start(start, 'd', "sleep 1");
    scene.exit(start + 1000 * kMs, 'd');
    scene.pass(20'000 * kMs);
    REQUIRE(deploys(scene) == (soon ? 1 : 2));
    CHECK(scene.of(Rule::kImageDeploy)[0].deployment->started == soon);
    const auto last = scene.of(Rule::kImageDeploy).back();
    CHECK(last.deployment->started);
    CHECK(last.deployment->time == (soon ? 300 : 4000) * kMs);
    CHECK(has_reason(last, "told-as-created") != soon);
    CHECK(has_reason(last, "start-unheard"));
    scene.started(21'000 * kMs, "a");
    CHECK(deploys(scene) == (soon ? 1 : 2));
  }
}

TEST_CASE("A start that was asked for and not answered is told as that") {
  for (const bool asked : {true, false}) {
    Scene scene;
    build(scene, 1, 100 * kMs, 'f');
    scene.created(200 * kMs, 'd', "image1:1", "a");
    if (asked) scene.learn(ContainerStartAsked{250 * kMs, {901, 0}, "a"});
    scene.start(300 * kMs, 'd', "sleep 1");
    scene.pass(40'000 * kMs);
    REQUIRE(deploys(scene) == 1);
    const auto reasons = scene.of(Rule::kImageDeploy)[0].reasons;
    const auto unheard = std::find_if(reasons.begin(), reasons.end(),
                                      [](const auto& r) { return r.code == "start-unheard"; });
    REQUIRE(unheard != reasons.end());
    CHECK((unheard->text.find("the answer to") != std::string::npos) == asked);
  }
}

TEST_CASE("While the engine is at a start its answer decides, for thirty seconds") {
  for (const bool answered : {true, false}) {
    CAPTURE(answered);
    Scene scene;
    build(scene, 1, 100 * kMs, 'f');
    scene.open(900, 190 * kMs);
    scene.created(200 * kMs, 'd', "image1:1", "web");
    scene.see(ConnClosed{201 * kMs, 900});
    scene.learn(ContainerStartAsked{210 * kMs, {901, 0}, "web"});
    scene.pass(6000 * kMs);
    CHECK(deploys(scene) == 0);
    scene.pass(7000 * kMs);
    if (answered) scene.started(7000 * kMs, "web");
    scene.pass(40'000 * kMs);
    REQUIRE(deploys(scene) == 1);
    const auto found = scene.of(Rule::kImageDeploy)[0];
    CHECK(found.deployment->started == answered);
    if (!answered) CHECK(found.deployment->client.address.ip == "198.51.100.66");
    CHECK(found.time == (answered ? 7000 * kMs : 30'210 * kMs));
  }
}

TEST_CASE("Containers that never start are forgotten after the window, or when room is needed") {
  Scene scene;
  build(scene, 1, 100 * kMs, 'f');
  scene.created(200 * kMs, 'd', "image1:1");
  scene.pass(3000 * kMs);
  CHECK(scene.tracker().held().deploys == 1);
  for (std::size_t n = 0; n < tracker::kMaxWaitingDeploys; ++n) {
    ContainerCreated fact;
    fact.time = 3100 * kMs;
    fact.call = {900, static_cast<std::uint32_t>(n)};
    fact.container_id = hex('9') + std::to_string(n);
    fact.image = "image1:1";
    scene.learn(fact);
  }
  CHECK(scene.tracker().held().deploys == tracker::kMaxWaitingDeploys);
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
  CHECK(scene.of(Rule::kSensorBlind)[0].health->cause == "deployments");
  scene.pass(9000 * kMs + tracker::kDeployWindow);
  CHECK(scene.tracker().held().deploys == 0);
}

TEST_CASE("A container started twice is deployed once") {
  Scene scene;
  build(scene, 1, 100 * kMs, 'f');
  scene.created(200 * kMs, 'd', "image1:1");
  scene.started(300 * kMs, hex('d'));
  scene.started(400 * kMs, hex('d'));
  scene.pass(9000 * kMs);
  CHECK(deploys(scene) == 1);
}

TEST_CASE("A start told a little before its creation still counts") {
  Scene scene;
  build(scene, 1, 100 * kMs, 'f');
  scene.started(300 * kMs, "web");
  scene.created(302 * kMs, 'd', "image1:1", "web");
  REQUIRE(deploys(scene) == 1);
  CHECK(scene.of(Rule::kImageDeploy)[0].deployment->started);
}

TEST_CASE("A tag moves to the newest image, to another name, and away") {
  Scene scene;
  build(scene, 1, 100 * kMs, 'f');
  scene.learn(ImageTagged{200 * kMs, {5, 0}, "image1:1", "moved:2"});
  scene.created(210 * kMs, 'a', "moved:2");
  scene.started(220 * kMs, hex('a'));
  REQUIRE(deploys(scene) == 1);
  scene.learn(ImageTagged{300 * kMs, {5, 1}, "elsewhere:1", "moved:2"});
  scene.created(310 * kMs, 'b', "moved:2");
  scene.started(320 * kMs, hex('b'));
  CHECK(deploys(scene) == 1);
  auto again = scene.request(2, 400 * kMs, false, false);
  again.tags = {"image1:1"};
  scene.learn(again);
  scene.learn(BuildImageAnnounced{410 * kMs, {2, 0}, "sha256:" + hex('e'), false});
  scene.end(2, 420 * kMs);
  scene.created(500 * kMs, 'c', "image1:1");
  scene.started(510 * kMs, hex('c'));
  REQUIRE(deploys(scene) == 2);
  CHECK(scene.of(Rule::kImageDeploy)[1].build->request.call.conn == 2);
}

TEST_CASE("The image of a build that failed, was cancelled or refused is none") {
  for (const auto status : {BuildStatus::kFailed, BuildStatus::kCancelled, BuildStatus::kRefused}) {
    Scene scene;
    build(scene, 1, 100 * kMs, 'f', status);
    scene.created(200 * kMs, 'd', "image1:1");
    scene.started(210 * kMs, hex('d'));
    scene.created(220 * kMs, 'e', hex('f'));
    scene.pass(9000 * kMs);
    CHECK(deploys(scene) == 0);
  }
}

TEST_CASE("Forged results do not win over the builder's own") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.learn(BuildImageAnnounced{110 * kMs, {1, 0}, "sha256:" + hex('a'), false});  // stage 1
  scene.learn(BuildImageAnnounced{120 * kMs, {1, 0}, std::string(12, '0'), true});   // forged
  scene.learn(BuildTagAnnounced{121 * kMs, {1, 0}, "bystander:1"});                  // forged
  scene.learn(BuildImageAnnounced{130 * kMs, {1, 0}, "sha256:" + hex('f'), false});
  scene.learn(BuildImageAnnounced{131 * kMs, {1, 0}, std::string(12, 'f'), true});
  scene.learn(BuildTagAnnounced{132 * kMs, {1, 0}, "image1:1"});
  scene.end(1, 140 * kMs);
  for (const auto& [id, name] : {std::pair{'b', "bystander:1"}, std::pair{'c', "000000000000"}}) {
    scene.created(200 * kMs, id, name);
    scene.started(210 * kMs, hex(id));
  }
  CHECK(deploys(scene) == 0);
  scene.created(300 * kMs, 'd', "image1:1");
  scene.started(310 * kMs, hex('d'));
  REQUIRE(deploys(scene) == 1);
  CHECK(scene.of(Rule::kImageDeploy)[0].image->id == "sha256:" + hex('f'));
}

TEST_CASE("A client that starts a step's container does not take it out of its build") {
  for (const bool before : {true, false}) {  // the start's answer, the container's first process
    CAPTURE(before);
    Scene scene;
    scene.request(1, 100 * kMs);
    scene.line(1, 200 * kMs, 1, 2, "RUN x");
    scene.running_in(1, 201 * kMs, 'a');
    if (before) scene.started(202 * kMs, hex('a'));
    scene.start(220 * kMs, 'a', "x");
    if (!before) scene.started(230 * kMs, hex('a'));
    scene.connect(300 * kMs, 'a', "192.0.2.1", 1);
    scene.pass(3000 * kMs);
    CHECK(scene.of(Rule::kBuildEgress).size() == 1);
  }
}

TEST_CASE("A name that was moved by pull, load, import or commit is the built image's no more") {
  Scene scene;
  build(scene, 1, 100 * kMs, 'f');
  scene.learn(ImageTagged{110 * kMs, {5, 0}, "image1:1", "image1:2"});
  ImageMoved moved{200 * kMs, {5, 1}, "docker.io/library/image1:1", false, "sha256:" + hex('e'),
                   true};
  scene.learn(moved);
  scene.created(210 * kMs, 'a', "image1:1");
  scene.started(220 * kMs, hex('a'));
  scene.pass(5000 * kMs);
  CHECK(deploys(scene) == 0);
  scene.created(5100 * kMs, 'b', "image1:2");
  scene.started(5110 * kMs, hex('b'));
  scene.created(5200 * kMs, 'c', hex('f'));
  scene.started(5210 * kMs, hex('c'));
  CHECK(deploys(scene) == 2);
  moved.image = "sha256:" + hex('f');  // the same image again
  moved.time = 5300 * kMs;
  scene.learn(moved);
  scene.created(5400 * kMs, 'd', "image1:1");
  scene.started(5410 * kMs, hex('d'));
  CHECK(deploys(scene) == 3);
}

TEST_CASE("A name that may have been moved makes a deployment of no build") {
  for (const auto& [reference, all_tags] :
       {std::pair{"", false}, std::pair{"image1:1", false}, std::pair{"image1", true}}) {
    CAPTURE(reference);
    Scene scene;
    build(scene, 1, 100 * kMs, 'f');
    build(scene, 2, 130 * kMs, 'e');
    scene.learn(ImageMoved{200 * kMs, {5, 1}, reference, all_tags, {}, false});
    scene.learn(ImageTagged{205 * kMs, {5, 2}, "image1:1", "other:1"});
    scene.created(210 * kMs, 'a', "other:1");
    scene.started(220 * kMs, hex('a'));
    REQUIRE(deploys(scene) == 1);
    const auto found = scene.of(Rule::kImageDeploy)[0];
    CHECK_FALSE(found.build.has_value());
    CHECK(found.image->id.empty());
    CHECK(found.image->tags == std::vector<std::string>{"other:1"});
    CHECK(has_reason(found, "image-uncertain"));
    CHECK(has_reason(found, "candidate"));
    CHECK(found.summary.find("may be another's") != std::string::npos);
    scene.created(230 * kMs, 'b', "image2:1");
    scene.started(240 * kMs, hex('b'));
    REQUIRE(deploys(scene) == 2);
    CHECK(scene.of(Rule::kImageDeploy)[1].build.has_value() == (reference[0] != '\0'));
    build(scene, 1, 300 * kMs, 'f');  // the same call: none
    build(scene, 3, 300 * kMs, 'd');
    scene.learn(ImageTagged{400 * kMs, {5, 3}, "image3:1", "image1:1"});
    scene.created(410 * kMs, 'c', "image1:1");
    scene.started(420 * kMs, hex('c'));
    REQUIRE(deploys(scene) == 3);
    CHECK(scene.of(Rule::kImageDeploy)[2].build->request.call.conn == 3);
  }
}

TEST_CASE("Names of an image are bounded, and what is refused is told") {
  Scene scene;
  build(scene, 1, 100 * kMs, 'f');
  for (std::size_t n = 0; n < tracker::kMaxImageNames; ++n) {
    scene.learn(ImageTagged{200 * kMs + n, {5, 0}, "image1:1", "name" + std::to_string(n)});
  }
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
  CHECK(scene.of(Rule::kSensorBlind)[0].health->cause == "image-names");
}

TEST_CASE("A container of a pulled image is looked at where it has something of the host") {
  Scene scene;
  build(scene, 1, 100 * kMs, 'f');
  const auto create = [&](TimeNs time, char id, const std::string& image) {
    ContainerCreated fact;
    fact.time = time;
    fact.call = {1, static_cast<std::uint32_t>(id)};
    fact.container_id = hex(id);
    fact.image = image;
    fact.privileged = true;
    scene.learn(fact);
  };
  create(200 * kMs, 'c', "alpine:3");
  scene.started(210 * kMs, hex('c'));
  REQUIRE(scene.of(Rule::kContainerPowers).size() == 1);
  const auto found = scene.of(Rule::kContainerPowers)[0];
  CHECK(found.image->tags == std::vector<std::string>{"alpine:3"});
  CHECK(found.deployment->started);
  CHECK_FALSE(found.build);
  // One that was built here has its own rule.
  create(300 * kMs, 'd', "image1:1");
  scene.started(310 * kMs, hex('d'));
  CHECK(deploys(scene) == 1);
  // Created is told, and the start once more.
  create(400 * kMs, 'e', "sha256:" + hex('9'));
  scene.pass(3000 * kMs);
  CHECK(scene.of(Rule::kContainerPowers).size() == 2);
  CHECK(scene.of(Rule::kContainerPowers)[1].image->id == "sha256:" + hex('9'));
  scene.started(3100 * kMs, hex('e'));
  REQUIRE(scene.of(Rule::kContainerPowers).size() == 3);
  CHECK(has_reason(scene.of(Rule::kContainerPowers)[2], "told-as-created"));
  // Nothing of the host, nothing to tell.
  scene.created(4000 * kMs, 'a', "alpine:3");
  scene.started(4001 * kMs, hex('a'));
  CHECK(scene.of(Rule::kContainerPowers).size() == 3);
}

// By dockerd's own API: what containerd is asked for next is the same.
ContainerCreated privileged_by_dockerd() {
  ContainerCreated fact;
  fact.time = 200 * kMs;
  fact.call = {900, 1};
  fact.container_id = hex('c');
  fact.image = "alpine:3";
  fact.privileged = true;
  return fact;
}

TEST_CASE("What dockerd has containerd run is told by its own conversation") {
  Scene scene;
  auto fact = privileged_by_dockerd();
  scene.learn(fact);
  fact.call = {901, 1};
  fact.engine_namespace = "moby";
  scene.learn(fact);
  scene.started(210 * kMs, hex('c'));
  scene.pass(9000 * kMs);
  CHECK(scene.of(Rule::kContainerPowers).size() == 1);
  // Somebody else may use that namespace, too.
  fact.container_id = "other";
  fact.time = 9100 * kMs;
  scene.learn(fact);
  scene.pass(20'000 * kMs);
  CHECK(scene.of(Rule::kContainerPowers).size() == 2);
}

// Others are asked of it once, and it is told once.
TEST_CASE("What dockerd has containerd run is told once where hosts share images, too") {
  tracker::Tracker tracker("boot");
  tracker.share_images();
  auto fact = privileged_by_dockerd();
  tracker.learn(fact);
  fact.call = {901, 1};
  fact.engine_namespace = "moby";
  tracker.learn(fact);
  tracker.learn(ContainerStarted{210 * kMs, {900, 2}, hex('c')});
  tracker.observe(Tick{9000 * kMs});
  const auto moments = tracker.take();
  REQUIRE(moments.size() == 1);
  CHECK(moments[0].deployment->container.engine_namespace.empty());
  CHECK_FALSE(moments[0].foreign.empty());
}

TEST_CASE("A container has the mounts of those that it names, as far as they are known") {
  Scene scene;
  const auto made = [&](char id, TimeNs time, const std::string& name) {
    ContainerCreated fact;
    fact.time = time;
    fact.call = {900, static_cast<std::uint32_t>(id)};
    fact.container_id = hex(id);
    fact.name = name;
    fact.image = "pulled";
    return fact;
  };
  auto agent = made('a', 100 * kMs, "/agent");
  agent.binds = {"/var/run/docker.sock:/s", "/etc:/e:ro", "data:/d"};
  scene.learn(agent);
  scene.started(110 * kMs, hex('a'));
  auto other = made('b', 200 * kMs, "b");
  other.volumes_from = {"agent:ro", "older"};
  scene.learn(other);
  scene.started(210 * kMs, hex('b'));
  const auto found = scene.of(Rule::kContainerPowers);
  REQUIRE(found.size() == 2);
  const auto& container = found[1].deployment->container;
  CHECK(container.binds == std::vector<std::string>{"/var/run/docker.sock:/s:ro", "/etc:/e:ro"});
  CHECK(container.volumes_from == std::vector<std::string>{"older"});
}

TEST_CASE("What a running container is given more is told of it") {
  Scene scene;
  scene.created(100 * kMs, 'd', "pulled", "/web");
  scene.started(110 * kMs, hex('d'));
  ContainerCreated with;
  with.command = true;
  scene.learn(ContainerEmpowered{9000 * kMs, {902, 0}, "web", with});
  const auto found = scene.of(Rule::kContainerPowers);
  REQUIRE(found.size() == 1);
  CHECK(found[0].deployment->container.container_id == hex('d'));
  CHECK(found[0].deployment->container.name == "web");
  scene.learn(ContainerEmpowered{9100 * kMs, {902, 1}, "web", {}});
  CHECK(scene.of(Rule::kContainerPowers).size() == 1);
  with.command = false;
  with.privileged = true;
  scene.learn(ContainerEmpowered{9200 * kMs, {902, 2}, hex('d').substr(0, 12), with});
  REQUIRE(scene.of(Rule::kContainerPowers).size() == 2);
  CHECK(scene.of(Rule::kContainerPowers)[1].deployment->container.privileged);
}
