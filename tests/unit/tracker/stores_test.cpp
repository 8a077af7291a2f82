// Images that docker built and containerd runs.
#include "tracker/stores.h"

#include <catch2/catch_test_macros.hpp>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using namespace kilnwatch::test;

namespace {

std::string digest(char c) { return "sha256:" + std::string(64, c); }
const std::string kName = "docker.io/library/evil:1";

// An image of that configuration, built by docker as image1:1 and evil:1.
void build(Scene& scene, char config) {
  scene.request(1, 100 * kMs);
  scene.learn(BuildImageAnnounced{110 * kMs, {1, 0}, digest(config), false});
  scene.learn(BuildTagAnnounced{111 * kMs, {1, 0}, "evil:1"});
  scene.end(1, 120 * kMs);
}

void stored(Scene& scene, char manifest, char config) {
  scene.learn(ManifestStored{130 * kMs, {800, 0}, digest(manifest), digest(config), {}});
}

void named(Scene& scene, const std::string& space, const std::string& reference,
           const std::string& to, bool certain = true) {
  ImageMoved moved{140 * kMs, {800, 1}, reference, false, {}, certain};
  moved.digest = to;
  moved.engine_namespace = space;
  moved.arrival = Arrival::kLoad;
  scene.learn(moved);
}

ContainerCreated container_of(const std::string& image, const std::string& space, TimeNs time) {
  ContainerCreated made;
  made.time = time;
  made.call = {801, 0};
  made.container_id = "job";
  made.image = image;
  made.engine_namespace = space;
  return made;
}

std::vector<Finding> deployed(Scene& scene, ContainerCreated made, bool start = true) {
  scene.learn(made);
  if (start)
    scene.learn(
        ContainerStarted{made.time + kMs, {801, 1}, made.container_id, made.engine_namespace});
  scene.pass(made.time + 9000 * kMs);
  return scene.of(Rule::kImageDeploy);
}

}  // namespace

TEST_CASE("A name is what a client finds it to mean, where what moved it did not say") {
  using Ids = std::vector<std::string>;
  tracker::Stores stores;
  const auto meaning = [&] { return stores.find(container_of(kName, "default", 900 * kMs)); };
  const auto move = [&](const std::string& to, bool certain, TimeNs time) {
    ImageMoved moved{time * kMs, {800, 1}, kName, false, {}, certain};
    moved.digest = to;
    moved.engine_namespace = "default";
    stores.move(moved);
  };
  const auto find = [&](char digit, TimeNs asked) {
    stores.resolve({900 * kMs, {800, 2}, asked * kMs, "default", kName, digest(digit)});
  };
  move({}, false, 100);
  find('a', 110);
  CHECK_FALSE(meaning().certain);  // of that manifest nothing is known
  stores.learn({120 * kMs, {800, 3}, digest('a'), digest('c'), {}});
  CHECK(meaning().certain);
  CHECK(meaning().ids == Ids{digest('a'), digest('c')});
  move({}, false, 200);
  find('a', 190);  // asked before, answered later
  CHECK_FALSE(meaning().certain);
  find('a', 210);
  CHECK(meaning().certain);
  stores.doubt("default", 300 * kMs);
  CHECK_FALSE(meaning().certain);
  find('a', 300);
  CHECK_FALSE(meaning().certain);
  // Moved to what is known: that says it all. To what was never met: what is found says more.
  stores.learn({310 * kMs, {800, 3}, digest('d'), digest('e'), {}});
  move(digest('d'), true, 400);
  find('a', 410);
  CHECK(meaning().ids == Ids{digest('d'), digest('e')});
  move(digest('9'), true, 500);
  CHECK_FALSE(meaning().certain);
  find('a', 510);
  CHECK(meaning().ids == Ids{digest('a'), digest('c')});
  CHECK(meaning().certain);
}

TEST_CASE(
    "Of an index that was looked up all manifests must be known, of one that was written one") {
  for (const bool written : {true, false}) {
    CAPTURE(written);
    tracker::Stores stores;
    ImageMoved moved{100 * kMs, {800, 1}, kName, false, {}, written};
    if (written) moved.digest = digest('1');
    moved.engine_namespace = "default";
    stores.move(moved);
    if (!written) stores.resolve({120 * kMs, {800, 2}, 110 * kMs, "default", kName, digest('1')});
    const auto certain = [&] {
      return stores.find(container_of(kName, "default", 900 * kMs)).certain;
    };
    stores.learn({110 * kMs, {800, 3}, digest('1'), {}, {digest('2'), digest('3')}});
    CHECK_FALSE(certain());
    stores.learn({110 * kMs, {800, 3}, digest('2'), digest('a'), {}});
    CHECK(certain() == written);
    stores.learn({110 * kMs, {800, 3}, digest('3'), digest('b'), {}});
    CHECK(certain());
    // One that has others, too.
    stores.learn({110 * kMs, {800, 3}, digest('4'), {}, {digest('2')}, false});
    moved.time = 200 * kMs;
    moved.digest = written ? digest('4') : "";
    stores.move(moved);
    if (!written) stores.resolve({220 * kMs, {800, 2}, 210 * kMs, "default", kName, digest('4')});
    CHECK(certain() == written);
  }
}

TEST_CASE("A name that found no room puts the others of its namespace in doubt") {
  tracker::Stores stores;
  ImageMoved moved{100 * kMs, {800, 1}, kName, false, digest('c'), true};
  moved.engine_namespace = "k8s.io";
  stores.move(moved);
  moved.engine_namespace = "default";
  for (std::size_t i = 0; i < tracker::kMaxStoreNames; ++i) {
    moved.reference = "n" + std::to_string(i);
    stores.move(moved);
  }
  CHECK_FALSE(stores.find(container_of(kName, "k8s.io", 900 * kMs)).certain);
  CHECK(stores.find(container_of("m", "default", 900 * kMs)).certain);
}

TEST_CASE("What a forgotten name meant before it moved is not found later") {
  tracker::Stores stores;
  ImageMoved moved{100 * kMs, {800, 1}, kName, false, digest('c'), true};
  moved.engine_namespace = "default";
  stores.move(moved);
  for (std::size_t i = 0; i < tracker::kMaxStoreNames; ++i)
    stores.resolve({900 * kMs, {}, kMs, "default", "n" + std::to_string(i), digest('c')});
  stores.learn({110 * kMs, {800, 3}, digest('d'), digest('e'), {}});
  for (const TimeNs asked : {90, 110}) {
    stores.resolve({900 * kMs, {}, asked * kMs, "default", kName, digest('d')});
    CHECK(stores.find(container_of(kName, "default", 900 * kMs)).certain == (asked == 110));
  }
}

TEST_CASE("A name is the one that stands there, but for Kubernetes, and a few digits are one") {
  tracker::Stores stores;
  ImageMoved moved{100 * kMs, {800, 1}, kName, false, digest('c'), true};
  for (const char* space : {"default", "k8s.io"}) {
    moved.engine_namespace = space;
    stores.move(moved);
  }
  CHECK(stores.find(container_of("evil:1", "default", 900 * kMs)).ids.empty());
  CHECK_FALSE(stores.find(container_of("evil:1", "k8s.io", 900 * kMs)).ids.empty());
  CHECK_FALSE(stores.find(container_of("cafe", "default", 900 * kMs)).certain);
  CHECK(stores.find(container_of("cafecafecafe", "default", 900 * kMs)).certain);
}

namespace {

// Of a containerd of that user.
void open(Scene& scene, ConnId conn, std::uint32_t uid) {
  ConnOpened opened;
  opened.time = 10 * kMs;
  opened.conn = conn;
  opened.engine = EngineKind::kContainerd;
  opened.path = "/run/user/" + std::to_string(uid) + "/containerd/containerd.sock";
  scene.see(opened);
}

void moves(Scene& scene, ConnId conn, const std::string& to) {
  ImageMoved moved{140 * kMs, {conn, 1}, kName, false, {}, true};
  moved.image = to;
  moved.engine_namespace = "default";
  scene.learn(moved);
}

}  // namespace

TEST_CASE("Names of users of whom there are too many are not one another's, and that is said") {
  Scene scene;
  build(scene, 'c');
  constexpr std::uint32_t kUsers = tracker::kMaxStoreUsers + 2;
  for (std::uint32_t user = 1; user <= kUsers; ++user) {
    open(scene, 900 + user, user);
    if (user < kUsers) moves(scene, 900 + user, digest('c'));
  }
  CHECK_FALSE(scene.of(Rule::kSensorBlind).empty());
  for (const std::uint32_t user : {1U, kUsers}) {
    auto made = container_of(kName, "default", user * 10'000 * kMs);
    made.call.conn = 900 + user;
    CHECK(deployed(scene, made).size() == 1);  // the first one's alone
  }
}

TEST_CASE("The same id in containerds of two users is two containers") {
  Scene scene;
  build(scene, 'c');
  open(scene, 901, 1000);
  scene.learn(container_of(digest('c'), "default", 200 * kMs));
  auto made = container_of(digest('9'), "default", 201 * kMs);
  made.call.conn = 901;
  scene.learn(made);
  scene.learn(ContainerStarted{210 * kMs, {901, 1}, "job", "default"});
  CHECK(scene.of(Rule::kImageDeploy).empty());
  scene.learn(ContainerStarted{211 * kMs, {801, 1}, "job", "default"});
  CHECK(scene.of(Rule::kImageDeploy).size() == 1);
}

TEST_CASE("A sandbox is its own user's") {
  Scene scene;
  build(scene, 'c');
  open(scene, 901, 1000);
  scene.learn(PodStarted{150 * kMs, {800, 2}, container('5'), {"shop", "web-0"}, {}});
  scene.learn(PodStarted{151 * kMs, {901, 2}, container('5'), {"forged", "forged"}, {}});
  auto made = container_of(digest('c'), "k8s.io", 200 * kMs);
  made.sandbox = container('5');
  const auto found = deployed(scene, made);
  REQUIRE(found.size() == 1);
  CHECK(found[0].deployment->container.pod.name == "web-0");
}

TEST_CASE("A connection that made room speaks for its own user as before") {
  Scene scene;
  build(scene, 'c');
  stored(scene, 'd', 'c');
  named(scene, "default", kName, digest('d'));
  open(scene, 901, 1000);
  for (ConnId conn = 2000; conn < 2000 + tracker::kMaxConnections; ++conn) open(scene, conn, 0);
  scene.see(ConnClosed{130 * kMs, 901});
  moves(scene, 901, digest('9'));
  CHECK(deployed(scene, container_of(kName, "default", 200 * kMs)).size() == 1);
}

TEST_CASE("An image is the same one under another manifest, by its configuration") {
  Scene scene;
  build(scene, 'c');
  stored(scene, 'd', 'c');
  scene.learn(ManifestStored{131 * kMs, {800, 0}, digest('e'), {}, {digest('1'), digest('d')}});
  named(scene, "default", kName, digest('e'));
  for (const std::string& reference :
       {kName, digest('e'), digest('d'), digest('c'), "any@" + digest('d')}) {
    CAPTURE(reference);
    Scene copy;
    build(copy, 'c');
    stored(copy, 'd', 'c');
    copy.learn(ManifestStored{131 * kMs, {800, 0}, digest('e'), {}, {digest('1'), digest('d')}});
    named(copy, "default", kName, digest('e'));
    const auto found = deployed(copy, container_of(reference, "default", 200 * kMs));
    REQUIRE(found.size() == 1);
    CHECK(found[0].build->request.call.conn == 1);
    CHECK(found[0].image->id == digest('c'));
    CHECK(found[0].deployment->container.container_id == "job");
    CHECK(found[0].deployment->started);
  }
}

TEST_CASE("An image that docker knows by its index is known by its configuration, too") {
  Scene scene;
  build(scene, 'e');
  stored(scene, 'd', 'c');
  scene.learn(ManifestStored{131 * kMs, {800, 0}, digest('e'), {}, {digest('d')}});
  CHECK(deployed(scene, container_of(digest('c'), "k8s.io", 200 * kMs)).size() == 1);
}

TEST_CASE(
    "A name of docker's says nothing of containerd's namespaces, nor one of these of another") {
  Scene scene;
  build(scene, 'c');
  stored(scene, 'd', 'c');
  CHECK(deployed(scene, container_of("image1:1", "default", 200 * kMs)).empty());
  named(scene, "default", kName, digest('d'));
  CHECK(deployed(scene, container_of(kName, "k8s.io", 300 * kMs)).empty());
  // As CRI completes it.
  named(scene, "k8s.io", kName, digest('d'));
  CHECK(deployed(scene, container_of("evil:1", "k8s.io", 400 * kMs)).size() == 1);
}

TEST_CASE("A name that moved on, or was deleted, is no deployment") {
  for (const std::string& to : {digest('9'), std::string()}) {
    Scene scene;
    build(scene, 'c');
    stored(scene, 'd', 'c');
    named(scene, "default", kName, digest('d'));
    named(scene, "default", kName, to);
    CHECK(deployed(scene, container_of(kName, "default", 200 * kMs)).empty());
  }
}

TEST_CASE("Where a name may mean another image, the deployment is told without a build") {
  const auto doubt = [](const std::string& space, const std::string& name) {
    Scene scene;
    build(scene, 'c');
    stored(scene, 'd', 'c');
    named(scene, "default", kName, digest('d'));
    named(scene, space, name, {}, false);
    const auto found = deployed(scene, container_of(kName, "default", 200 * kMs));
    REQUIRE(found.size() == 1);
    CHECK_FALSE(found[0].build);
    CHECK(has_reason(found[0], "image-uncertain"));
  };
  doubt("*", {});
  doubt("default", {});
  Scene other;
  build(other, 'c');
  stored(other, 'd', 'c');
  named(other, "default", kName, digest('d'));
  named(other, "k8s.io", {}, {}, false);
  CHECK(deployed(other, container_of(kName, "default", 200 * kMs))[0].build);
}

TEST_CASE("The id that a pod is made of decides, not the name beside it") {
  Scene scene;
  build(scene, 'c');
  stored(scene, 'd', 'c');
  named(scene, "k8s.io", kName, digest('d'));
  auto made = container_of(kName, "k8s.io", 200 * kMs);
  made.image_id = digest('9');
  CHECK(deployed(scene, made).empty());
  made.time = 300 * kMs;
  made.image_id = digest('c');
  CHECK(deployed(scene, made).size() == 1);
}

TEST_CASE("A container of a pod has its sandbox's pod and namespaces") {
  Scene scene;
  build(scene, 'c');
  scene.learn(PodStarted{150 * kMs, {800, 2}, container('5'), {"shop", "web-0"}, {"net"}});
  auto made = container_of(digest('c'), "k8s.io", 200 * kMs);
  made.container_id = container('6');
  made.sandbox = container('5');
  made.pod = {"forged", "forged"};
  made.host_namespaces = {"pid"};
  const auto found = deployed(scene, made);
  REQUIRE(found.size() == 1);
  CHECK(found[0].deployment->container.pod.name_space == "shop");
  CHECK(found[0].deployment->container.pod.name == "web-0");
  CHECK(found[0].deployment->container.host_namespaces == std::vector<std::string>{"pid", "net"});
  CHECK(found[0].summary.find("in pod shop/web-0") != std::string::npos);
}

TEST_CASE("The same id in two namespaces is two containers") {
  Scene scene;
  build(scene, 'c');
  scene.learn(container_of(digest('c'), "default", 200 * kMs));
  scene.learn(container_of(digest('c'), "other", 201 * kMs));
  scene.learn(ContainerStarted{210 * kMs, {801, 1}, "job", "other"});
  scene.learn(ContainerStarted{211 * kMs, {801, 1}, "job"});
  REQUIRE(scene.of(Rule::kImageDeploy).size() == 1);
  CHECK(scene.of(Rule::kImageDeploy)[0].deployment->container.engine_namespace == "other");
  scene.pass(9000 * kMs);
  REQUIRE(scene.of(Rule::kImageDeploy).size() == 2);
  CHECK_FALSE(scene.of(Rule::kImageDeploy)[1].deployment->started);
}

TEST_CASE("A start whose call was not understood shows in the kernel") {
  Scene scene;
  build(scene, 'c');
  auto made = container_of(digest('c'), "k8s.io", 200 * kMs);
  made.container_id = container('6');
  scene.learn(made);
  scene.start(300 * kMs, '6', "sleep 1");
  scene.pass(9000 * kMs);
  REQUIRE(scene.of(Rule::kImageDeploy).size() == 1);
  CHECK(scene.of(Rule::kImageDeploy)[0].deployment->started);
}

TEST_CASE("Who is only called dockerd hides nothing that it asks containerd for") {
  // 0: a copy elsewhere, 1: one in a container, 2: elsewhere, but it serves docker's API.
  for (const int way : {0, 1, 2}) {
    CAPTURE(way);
    Scene scene;
    Process dockerd;
    dockerd.pid = 50;
    dockerd.start = 1;
    dockerd.comm = "dockerd";
    dockerd.exe = way == 1 ? "/usr/bin/dockerd" : "/tmp/dockerd";
    if (way == 1) dockerd.cgroup.path = "system.slice/docker-" + container('a') + ".scope";
    scene.see(ProcessExecuted{2, dockerd});
    ConnOpened opened;
    opened.time = 10 * kMs;
    opened.conn = 800;
    opened.engine = EngineKind::kDocker;
    opened.engine_pid = 50;
    opened.path = "/run/docker.sock";
    if (way == 2) scene.see(opened);
    opened.conn = 801;
    opened.engine = EngineKind::kContainerd;
    opened.engine_pid = 0;
    opened.client_pid = 50;
    opened.path = "/run/containerd/containerd.sock";
    scene.see(opened);
    build(scene, 'c');
    CHECK(deployed(scene, container_of(digest('c'), "default", 200 * kMs)).size() ==
          (way == 2 ? 0 : 1));
  }
}

TEST_CASE("What dockerd asks containerd for is told by dockerd's own conversation") {
  Scene scene;
  Process dockerd;
  dockerd.pid = 50;
  dockerd.start = 1;
  dockerd.comm = "dockerd";
  dockerd.exe = "/usr/sbin/dockerd";
  scene.see(ProcessExecuted{2, dockerd});
  ConnOpened opened;
  opened.time = 10 * kMs;
  opened.conn = 801;
  opened.engine = EngineKind::kContainerd;
  opened.client_pid = 50;
  opened.path = "/run/containerd/containerd.sock";
  scene.see(opened);
  build(scene, 'c');
  CHECK(deployed(scene, container_of(digest('c'), "moby", 200 * kMs)).empty());
  scene.learn(ConversationBlind{300 * kMs, 801, "bytes were lost", {}});
  CHECK(scene.of(Rule::kSensorBlind).empty());
}

TEST_CASE("A build's step is one also where who asks containerd for it is not known") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.line(1, 120 * kMs, 2, 9, "RUN step 2");
  scene.running_in(1, 121 * kMs, 'd');
  auto made = container_of({}, "moby", 130 * kMs);
  made.container_id = container('d');
  scene.learn(made);
  scene.learn(ContainerStarted{135 * kMs, {801, 1}, made.container_id, "moby"});
  scene.start(140 * kMs, 'd', "step 2");
  scene.connect(200 * kMs, 'd', "192.0.2.1", 5);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  CHECK(scene.of(Rule::kBuildEgress)[0].step->attribution == Attribution::kExact);
  CHECK(scene.of(Rule::kImageDeploy).empty());
}

TEST_CASE("What is lost of a conversation with containerd takes nothing from builds") {
  Scene scene;
  ConnOpened opened;
  opened.time = 10 * kMs;
  opened.conn = 801;
  opened.engine = EngineKind::kContainerd;
  opened.path = "/run/containerd/containerd.sock";
  scene.see(opened);
  scene.request(1, 100 * kMs);
  scene.learn(ConversationBlind{110 * kMs, 801, "bytes were lost", {}});
  CHECK(scene.of(Rule::kSensorBlind).size() == 1);
  scene.step(1, 120 * kMs, 2, 'd');
  scene.connect(200 * kMs, 'd', "192.0.2.1", 5);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  CHECK(scene.of(Rule::kBuildEgress)[0].step->attribution == Attribution::kExact);
}

TEST_CASE("A container of a shim of another namespace is no build's step") {
  for (const std::string space : {"k8s.io", "moby"}) {
    CAPTURE(space);
    Scene scene;
    Process shim;
    shim.pid = kShim;
    shim.comm = "containerd-shim";
    shim.args = {"/usr/bin/containerd-shim-runc-v2", "-namespace", space, "-id", "x"};
    scene.see(ProcessExecuted{2, shim});
    scene.request(1, 100 * kMs);
    scene.start(150 * kMs, 'd', "wget http://192.0.2.1/");
    scene.connect(200 * kMs, 'd', "192.0.2.1", 5);
    scene.pass(9000 * kMs);
    const auto told = scene.of(Rule::kBuildEgress).size() + scene.blind_but("creation").size();
    CHECK(told == (space == "moby" ? 1 : 0));
  }
}

TEST_CASE("Manifests and names have a limit, and what is forgotten is counted") {
  tracker::Stores stores;
  const auto nth = [](std::size_t n) {
    std::string hex = std::to_string(n);
    return "sha256:" + std::string(64 - hex.size(), '0') + hex;
  };
  for (std::size_t i = 0; i <= tracker::kMaxManifests; ++i)
    stores.learn({1, {}, nth(2 * i), nth(2 * i + 1), {}});
  CHECK(stores.refused() == 1);
  CHECK(stores.configs_of(nth(0)).empty());
  CHECK(stores.configs_of(nth(2)) == std::vector<std::string>{nth(3)});
  ImageMoved moved;
  moved.engine_namespace = "default";
  for (std::size_t i = 0; i <= tracker::kMaxStoreNames; ++i) {
    moved.reference = std::to_string(i) + ".example/a:1";
    moved.digest = nth(2);
    stores.move(moved);
  }
  CHECK(stores.refused() == 2);
  ContainerCreated made;
  made.engine_namespace = "default";
  made.image = "0.example/a:1";
  CHECK_FALSE(stores.find(made).certain);
  made.image = "1.example/a:1";
  CHECK(stores.find(made).ids == std::vector<std::string>{nth(2), nth(3)});
}
