// Images that come without a build: what is told of them, and of containers made from them.
#include <catch2/catch_test_macros.hpp>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using namespace kilnwatch::test;

namespace {

std::string id(char c) { return "sha256:" + std::string(64, c); }

ImageMoved arrives(TimeNs time, Arrival road, const std::string& reference,
                   const std::string& image, bool certain = true, std::uint32_t number = 0) {
  ImageMoved moved{time, {7, number}, reference, false, image, certain, road};
  moved.request.method = "POST";
  moved.request.path = "/images/load";
  return moved;
}

ImageMoved commits(TimeNs time, const std::string& container_name, char image) {
  auto moved = arrives(time, Arrival::kCommit, "made:1", id(image));
  moved.request.container = container_name;
  return moved;
}

void build(Scene& scene, ConnId conn, TimeNs at, char image) {
  scene.request(conn, at);
  scene.learn(BuildImageAnnounced{at + 10 * kMs, {conn, 0}, id(image), false});
  scene.end(conn, at + 20 * kMs);
}

std::vector<Finding> run(Scene& scene, TimeNs time, char letter, const std::string& image) {
  scene.created(time, letter, image);
  scene.started(time + 10 * kMs, container(letter));
  return scene.of(Rule::kImageDeploy);
}

std::vector<Finding> imports(const Scene& scene) { return scene.of(Rule::kImageImport); }

}  // namespace

TEST_CASE("A load, an import and a commit are told once, with who asked and how") {
  for (const auto road : {Arrival::kLoad, Arrival::kImport, Arrival::kCommit}) {
    Scene scene;
    scene.open(7, 50 * kMs);
    scene.pass(100 * kMs);
    scene.learn(arrives(100 * kMs, road, "evil:1", id('e')));
    scene.learn(arrives(100 * kMs, road, "evil:2", id('e')));  // a second name of the same image
    REQUIRE(imports(scene).size() == 1);
    const auto found = imports(scene)[0];
    CHECK(found.time == 100 * kMs);
    CHECK_FALSE(found.build.has_value());
    CHECK(found.image->id == id('e'));
    CHECK(found.image->tags == std::vector<std::string>{"evil:1"});
    REQUIRE(found.import);
    CHECK(found.import->road == road);
    CHECK(found.import->client.address.ip == "198.51.100.66");
    CHECK(found.import->request.path == "/images/load");
    CHECK(found.import->id.size() == 32);
    // The other name means it, too.
    const auto deploys = run(scene, 200 * kMs, 'd', "evil:2");
    REQUIRE(deploys.size() == 1);
    CHECK(deploys[0].import->id == found.import->id);
  }
}

TEST_CASE("A pull, a name that may have moved, and what perhaps came are no imports") {
  Scene scene;
  scene.learn(arrives(100 * kMs, Arrival::kPull, "evil:1", id('e')));
  scene.learn(arrives(110 * kMs, Arrival::kUnknown, "", "", false));
  scene.learn(arrives(120 * kMs, Arrival::kLoad, "", "", false));
  auto perhaps = arrives(130 * kMs, Arrival::kImport, "evil:1", "", false);
  perhaps.perhaps = true;
  scene.learn(perhaps);
  CHECK(imports(scene).empty());
  CHECK(run(scene, 200 * kMs, 'd', "evil:1").empty());
  scene.pass(9000 * kMs);
  CHECK(scene.of(Rule::kImageDeploy).empty());
}

TEST_CASE("An imported image is reached by name, alias, id, short id and digest") {
  for (const std::string& name :
       {std::string("evil:1"), std::string("docker.io/library/evil:1"), std::string("alias:2"),
        id('e'), std::string(64, 'e'), std::string(12, 'e'), "any@" + id('e'), id('d'),
        "registry.example/evil@" + id('d')}) {
    CAPTURE(name);
    Scene scene;
    auto moved = arrives(100 * kMs, Arrival::kLoad, "evil:1", id('e'));
    moved.digest = id('d');
    scene.learn(moved);
    scene.learn(ImageTagged{110 * kMs, {8, 0}, "evil:1", "alias:2"});
    const auto found = run(scene, 200 * kMs, 'a', name);
    REQUIRE(found.size() == 1);
    CHECK_FALSE(found[0].build.has_value());
    CHECK(found[0].import->id == imports(scene)[0].import->id);
    CHECK(found[0].image->id == id('e'));
    CHECK(found[0].image->digest == id('d'));
    CHECK(has_reason(found[0], "image-imported"));
  }
  for (const std::string& name : {std::string("evil:2"), id('f'), std::string("ff")}) {
    Scene scene;
    scene.learn(arrives(100 * kMs, Arrival::kLoad, "evil:1", id('e')));
    CHECK(run(scene, 200 * kMs, 'a', name).empty());
  }
}

TEST_CASE("A name without an id is enough to know an image that was loaded") {
  Scene scene;
  scene.learn(arrives(100 * kMs, Arrival::kLoad, "evil:1", "", false));
  REQUIRE(imports(scene).size() == 1);
  CHECK(imports(scene)[0].image->id.empty());
  auto found = run(scene, 200 * kMs, 'a', "evil:1");
  REQUIRE(found.size() == 1);
  CHECK(has_reason(found[0], "image-imported"));
  CHECK_FALSE(has_reason(found[0], "image-uncertain"));
  // Loaded once more, perhaps another one: imported, whichever it is.
  scene.learn(arrives(300 * kMs, Arrival::kLoad, "evil:1", "", false, 1));
  found = run(scene, 400 * kMs, 'b', "evil:1");
  REQUIRE(found.size() == 2);
  CHECK(found[1].import->id == imports(scene)[1].import->id);
  // What is built or pulled under that name since is no import.
  scene.learn(arrives(500 * kMs, Arrival::kPull, "evil:1", id('c'), true, 2));
  CHECK(run(scene, 600 * kMs, 'c', "evil:1").size() == 2);
}

TEST_CASE("A loaded name that a built image has may mean either") {
  Scene scene;
  build(scene, 1, 50 * kMs, 'f');
  scene.learn(arrives(100 * kMs, Arrival::kLoad, "image1:1", "", false));
  REQUIRE(imports(scene).size() == 1);
  auto found = run(scene, 200 * kMs, 'a', "image1:1");
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found[0].build.has_value());
  CHECK(has_reason(found[0], "image-uncertain"));
  const auto candidates = std::count_if(found[0].reasons.begin(), found[0].reasons.end(),
                                        [](const Reason& r) { return r.code == "candidate"; });
  CHECK(candidates == 2);
  // Taken from it for certain.
  scene.learn(arrives(300 * kMs, Arrival::kLoad, "image1:1", "", true, 1));
  found = run(scene, 400 * kMs, 'b', "image1:1");
  REQUIRE(found.size() == 2);
  CHECK(has_reason(found[1], "image-imported"));
  CHECK(found[1].image->id.empty());
  // By its id the built one is what it was.
  found = run(scene, 500 * kMs, 'c', id('f'));
  REQUIRE(found.size() == 3);
  CHECK(found[2].build.has_value());
}

TEST_CASE("A built image that is imported again stays the built one") {
  Scene scene;
  build(scene, 1, 50 * kMs, 'f');
  scene.learn(arrives(100 * kMs, Arrival::kLoad, "other:1", id('f')));
  REQUIRE(imports(scene).size() == 1);
  CHECK(has_reason(imports(scene)[0], "built-here"));
  const auto found = run(scene, 200 * kMs, 'a', "other:1");
  REQUIRE(found.size() == 1);
  CHECK(found[0].build.has_value());
  CHECK_FALSE(found[0].import.has_value());
}

TEST_CASE("A commit names its container and tells where it connected") {
  for (const std::string& reference :
       {std::string("web"), container('c'), container('c').substr(0, 12)}) {
    CAPTURE(reference);
    Scene scene;
    scene.created(10 * kMs, 'c', "alpine:3", "/web");
    scene.start(20 * kMs, 'c', "wget");
    scene.connect(30 * kMs, 'c', "192.0.2.1", 1);
    scene.connect(40 * kMs, 'c', "127.0.0.1", 2);
    scene.leave(50 * kMs, 'c');
    scene.pass(9000 * kMs);
    scene.learn(commits(9100 * kMs, reference, 'e'));
    REQUIRE(imports(scene).size() == 1);
    const auto found = imports(scene)[0];
    CHECK(found.import->container_id == container('c'));
    CHECK(has_reason(found, "container-connected"));
    CHECK(found.severity == Severity::kMedium);
    const auto deploys = run(scene, 9200 * kMs, 'd', "made:1");
    REQUIRE(deploys.size() == 1);
    CHECK(has_reason(deploys[0], "container-connected"));
    CHECK(deploys[0].severity == Severity::kHigh);
  }
}

TEST_CASE("A commit of a container that stayed at home, or went where builds go, is a plain one") {
  Scene scene;
  scene.request(1, 1 * kMs);
  scene.step(1, 2 * kMs, 1, 'a', 2);
  scene.connect(30 * kMs, 'a', "192.0.2.1", 1);
  scene.end(1, 60 * kMs);
  scene.created(100 * kMs, 'c', "alpine:3", "web");
  scene.start(120 * kMs, 'c', "wget");
  scene.connect(130 * kMs, 'c', "192.0.2.1", 2);
  scene.connect(140 * kMs, 'c', "127.0.0.1", 3);
  scene.learn(commits(200 * kMs, "web", 'e'));
  scene.learn(commits(210 * kMs, "nobody", 'd'));
  REQUIRE(imports(scene).size() == 2);
  CHECK_FALSE(has_reason(imports(scene)[0], "container-connected"));
  CHECK(imports(scene)[1].import->container_id.empty());
}

TEST_CASE("Destinations of a container are bounded, and the rest is told") {
  Scene scene;
  scene.created(10 * kMs, 'c', "alpine:3", "web");
  scene.start(20 * kMs, 'c', "wget");
  for (std::size_t n = 0; n < tracker::kMaxReached + 3; ++n)
    scene.attempt(30 * kMs + n, 'c', "192.0.2.1", 1 + n, static_cast<std::uint16_t>(1000 + n));
  scene.learn(commits(200 * kMs, "web", 'e'));
  REQUIRE(imports(scene).size() == 1);
  CHECK(has_reason(imports(scene)[0], "connections-not-kept"));
}

TEST_CASE("A flood of imports pushes out no built image, and is told") {
  Scene scene;
  build(scene, 1, 50 * kMs, 'f');
  for (std::size_t n = 0; n < tracker::kMaxImages + 2; ++n) {
    const std::string text = std::to_string(n);
    const auto image = "sha256:" + std::string(64 - text.size(), 'a') + text;
    scene.learn(
        arrives(100 * kMs, Arrival::kImport, "", image, true, static_cast<std::uint32_t>(n)));
  }
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
  CHECK(scene.of(Rule::kSensorBlind)[0].health->cause == "images");
  CHECK(run(scene, 200 * kMs, 'c', "image1:1").size() == 1);
}

TEST_CASE("An image that was pushed is known by its digest, and its deployment says so") {
  for (const bool built : {true, false}) {
    Scene scene;
    if (built) {
      build(scene, 1, 50 * kMs, 'f');
    } else {
      scene.learn(arrives(50 * kMs, Arrival::kLoad, "image1:1", id('f')));
    }
    scene.learn(ImageTagged{100 * kMs, {8, 0}, "image1:1", "registry:5000/image:1"});
    scene.learn(ImagePushed{110 * kMs, {8, 1}, "registry:5000/image:1", id('d')});
    scene.learn(ImagePushed{111 * kMs, {8, 2}, "elsewhere:1", id('c')});
    auto found = run(scene, 200 * kMs, 'a', "registry:5000/image@" + id('d'));
    REQUIRE(found.size() == 1);
    CHECK(found[0].build.has_value() == built);
    CHECK(found[0].image->digest == id('d'));
    CHECK(has_reason(found[0], "image-pushed"));
    // Pulled back under another name.
    scene.learn(arrives(300 * kMs, Arrival::kPull, "registry:5000/other:1", id('d'), true, 3));
    CHECK(run(scene, 400 * kMs, 'b', "registry:5000/other:1").size() == 2);
  }
}
