#include "unit/tracker/buildkit_scene.h"

#include <catch2/catch_test_macros.hpp>

using namespace kilnwatch;
using namespace kilnwatch::test;

namespace {

constexpr TimeNs kSec = 1000 * kMs;
constexpr TimeNs kStart = 100 * kSec;

std::string candidates(const Finding& finding) {
  std::string out;
  for (const auto& reason : finding.reasons) {
    if (reason.code != "candidate") continue;
    const auto at = reason.text.find(" step ");
    out += reason.text.substr(at + 6) + ";";
  }
  return out;
}

// Stage of each address, "?" when it is not told.
std::string stage_at(const BuildKitScene& scene, const std::string& ip) {
  std::string found = "none";
  for (const auto& f : scene.of(Rule::kBuildEgress)) {
    if (f.connection->destination.ip != ip) continue;
    found = f.step->attribution == Attribution::kAmbiguous ? "?" : f.step->stage;
  }
  return found;
}

}  // namespace

TEST_CASE("A base image is one whether it is told with its tag or without") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart + kMs, '1', "FROM registry.test/static:latest", kStart);
  scene.vertex(1, kStart + 2 * kMs, '2', "FROM registry.test/static", kStart);
  scene.vertex(1, kStart + 3 * kMs, '3', "RUN x", kStart);
  REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
  CHECK(scene.of(Rule::kBuildRequest)[0].build->base_images ==
        std::vector<std::string>{"registry.test/static:latest"});
}

TEST_CASE("A BuildKit build from its request to its deployment") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart + 50 * kMs, '1', "FROM docker.io/library/alpine:3", kStart + 20 * kMs);
  scene.vertex(1, kStart + 200 * kMs, '2', "RUN wget http://a/", 0, 0, "build");
  scene.vertex(1, kStart + 300 * kMs, '2', "RUN wget http://a/", kStart + 250 * kMs, 0, "build");
  scene.run_step(kStart + 400 * kMs, 's', "wget http://a/");
  scene.reach(kStart + 420 * kMs, 's', "192.0.2.1", 1);
  REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
  CHECK(scene.of(Rule::kBuildRequest)[0].build->base_images ==
        std::vector<std::string>{"docker.io/library/alpine:3"});
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);  // at once
  const auto egress = scene.of(Rule::kBuildEgress)[0];
  CHECK(egress.step->attribution == Attribution::kExact);
  CHECK(egress.step->number == 2);
  CHECK(egress.step->total == 4);
  CHECK(egress.step->stage == "build");
  CHECK(egress.step->instruction == "RUN wget http://a/");
  CHECK(egress.step->container_id == step_id('s'));
  CHECK(egress.step->cgroup == "docker/buildkit/" + step_id('s'));
  scene.learn(BuildImageAnnounced{kStart + kSec, {1, 0}, "sha256:" + std::string(64, 'e'), false});
  scene.end(1, kStart + kSec);
  scene.created(kStart + 2 * kSec, 'c', "image1:1");
  scene.started(kStart + 2 * kSec + kMs, container('c'));
  REQUIRE(scene.of(Rule::kImageDeploy).size() == 1);
  CHECK(scene.of(Rule::kImageDeploy)[0].image->id == "sha256:" + std::string(64, 'e'));
  CHECK(scene.of(Rule::kImageDeploy)[0].build->id == egress.build->id);
  CHECK(scene.of(Rule::kSensorBlind).empty());
}

TEST_CASE("A step that is told after its connection is decided then") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart, '2', "RUN x");
  scene.run_step(kStart + 400 * kMs, 's', "x");
  scene.reach(kStart + 410 * kMs, 's', "192.0.2.1", 1);
  CHECK(scene.of(Rule::kBuildEgress).empty());
  scene.vertex(1, kStart + 500 * kMs, '2', "RUN x", kStart + 300 * kMs);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  CHECK(scene.of(Rule::kBuildEgress)[0].step->attribution == Attribution::kExact);
}

TEST_CASE("A container that no dockerd's runtime made is no step, nor is a classic one") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart + 300 * kMs, '2', "RUN x", kStart + 250 * kMs);
  scene.run_step(kStart + 400 * kMs, 's', "x", kShim);
  scene.reach(kStart + 410 * kMs, 's', "192.0.2.1", 1);
  scene.start(kStart + 400 * kMs, 'c', "x");
  scene.connect(kStart + 410 * kMs, 'c', "192.0.2.2", 2);
  scene.pass(kStart + 3 * kSec);
  for (const auto& f : scene.of(Rule::kBuildEgress))
    CHECK(f.step->attribution != Attribution::kExact);
  CHECK(stage_at(scene, "192.0.2.2") == "none");
}

TEST_CASE("A step of BuildKit's is no step of a classic build") {
  BuildKitScene scene;
  scene.Scene::request(1, kStart, true);
  scene.dockerfile(1, kStart, {"FROM a", "RUN x"});
  scene.run_step(kStart + 400 * kMs, 's', "x");
  scene.reach(kStart + 410 * kMs, 's', "192.0.2.1", 1);
  scene.pass(kStart + 3 * kSec);
  CHECK(scene.of(Rule::kBuildEgress).empty());
  CHECK(scene.of(Rule::kSensorBlind).empty());
}

TEST_CASE("The same line in a later step: the one that runs") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart, '2', "RUN x", 0, 0, "first");
  scene.vertex(1, kStart, '3', "RUN x", 0, 0, "second");
  scene.vertex(1, kStart + 300 * kMs, '2', "RUN x", kStart + 250 * kMs, 0, "first");
  scene.run_step(kStart + 400 * kMs, 's', "x");
  scene.reach(kStart + 410 * kMs, 's', "192.0.2.1", 1);
  CHECK(scene.of(Rule::kBuildEgress).empty());  // the other one may have begun
  scene.clock(1, kStart + 1300 * kMs, kStart + 1250 * kMs);
  scene.pass(kStart + 1600 * kMs);
  REQUIRE(stage_at(scene, "192.0.2.1") == "first");
  CHECK(scene.of(Rule::kBuildEgress)[0].step->attribution == Attribution::kExact);
  scene.leave(kStart + 2 * kSec, 's');
  scene.vertex(1, kStart + 2100 * kMs, '2', "RUN x", kStart + 250 * kMs, kStart + 2050 * kMs,
               "first");
  scene.vertex(1, kStart + 2200 * kMs, '3', "RUN x", kStart + 2100 * kMs, 0, "second");
  scene.run_step(kStart + 2300 * kMs, 't', "x");
  scene.reach(kStart + 2310 * kMs, 't', "192.0.2.2", 2);
  scene.pass(kStart + 4 * kSec);
  CHECK(stage_at(scene, "192.0.2.2") == "second");
}

TEST_CASE("Without news of the stream a step that was not told to run is not quite ruled out") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart, '3', "RUN x", 0, 0, "second");
  scene.vertex(1, kStart + 300 * kMs, '2', "RUN x", kStart + 250 * kMs, 0, "first");
  scene.run_step(kStart + 400 * kMs, 's', "x");
  scene.reach(kStart + 410 * kMs, 's', "192.0.2.1", 1);
  scene.pass(kStart + 3 * kSec);
  REQUIRE(stage_at(scene, "192.0.2.1") == "first");
  CHECK(scene.of(Rule::kBuildEgress)[0].step->attribution == Attribution::kInferred);
}

namespace {

// Two stages that end in the same line, at the same time, on layers of different steps. `between`:
// of the node between the two steps of each stage.
void same_line(BuildKitScene& scene, const std::string& between, bool second_known = true) {
  scene.request(1, kStart);
  scene.vertex(1, kStart, 'f', "FROM a");
  scene.vertex(1, kStart, '2', "RUN one", 0, 0, "first", 2, false, {}, "f");
  scene.vertex(1, kStart, '3', "RUN two", 0, 0, "second", 2, false, {}, "f");
  if (second_known) scene.vertex(1, kStart, '4', between, 0, 0, "first", 3, false, {}, "2");
  scene.vertex(1, kStart, '5', between, 0, 0, "second", 3, false, {}, "3");
  scene.vertex(1, kStart, '6', "RUN x", 0, 0, "first", 4, false, {}, "4");
  scene.vertex(1, kStart, '7', "RUN x", 0, 0, "second", 4, false, {}, "5");
  for (const char digest : {'2', '3'}) {
    scene.vertex(1, kStart + 300 * kMs, digest, digest == '2' ? "RUN one" : "RUN two",
                 kStart + 250 * kMs, kStart + 900 * kMs);
  }
  scene.run_step(kStart + 400 * kMs, 's', "one", kDockerd, {"l/S", "l/B"});
  scene.run_step(kStart + 410 * kMs, 't', "two", kDockerd, {"l/T", "l/B"});
  scene.leave(kStart + 800 * kMs, 's');
  scene.leave(kStart + 800 * kMs, 't');
  scene.pass(kStart + 6 * kSec);  // both are forgotten, their layers are not
  for (const char digest : {'6', '7'})
    scene.vertex(1, kStart + 6 * kSec, digest, "RUN x", kStart + 6 * kSec - 50 * kMs);
  scene.run_step(kStart + 6100 * kMs, 'v', "x", kDockerd, {"l/V", "l/C", "l/T", "l/B"});
  scene.run_step(kStart + 6110 * kMs, 'u', "x", kDockerd, {"l/U", "l/D", "l/S", "l/B"});
  scene.reach(kStart + 6200 * kMs, 'u', "192.0.2.1", 1);
  scene.reach(kStart + 6210 * kMs, 'v', "192.0.2.2", 2);
}

}  // namespace

TEST_CASE("The layers below a step tell its stage, also when the same line runs twice at once") {
  for (const std::string between : {"COPY a b", "WORKDIR /w"}) {
    BuildKitScene scene;
    same_line(scene, between);
    CHECK(stage_at(scene, "192.0.2.1") == "first");  // at once
    CHECK(stage_at(scene, "192.0.2.2") == "second");
    for (const auto& f : scene.of(Rule::kBuildEgress))
      CHECK(f.step->attribution == Attribution::kExact);
  }
}

TEST_CASE("What is not known of the graph rules no step out") {
  {
    BuildKitScene scene;
    same_line(scene, "compile it");  // may run anything
    scene.pass(kStart + 9 * kSec);
    CHECK(stage_at(scene, "192.0.2.1") == "?");
    CHECK(stage_at(scene, "192.0.2.2") == "?");
  }
  BuildKitScene scene;
  same_line(scene, "COPY a b", false);
  scene.pass(kStart + 9 * kSec);
  CHECK(stage_at(scene, "192.0.2.1") == "first");  // the second stage is known
  CHECK(stage_at(scene, "192.0.2.2") != "first");
}

TEST_CASE("A layer of a step with other words for the same may be of either stage") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart, 'f', "FROM a");
  scene.vertex(1, kStart, '2', "RUN echo 1", 0, 0, "first", 2, true, {}, "f");
  scene.vertex(1, kStart, '3', "RUN echo 2", 0, 0, "second", 2, true, {}, "f");
  scene.vertex(1, kStart, '6', "RUN x", 0, 0, "first", 4, false, {}, "2");
  scene.vertex(1, kStart, '7', "RUN x", 0, 0, "second", 4, false, {}, "3");
  scene.run_step(kStart + 400 * kMs, 's', "echo $N", kDockerd, {"l/S"});
  for (const char digest : {'6', '7'})
    scene.vertex(1, kStart + kSec, digest, "RUN x", kStart + kSec - 50 * kMs);
  scene.run_step(kStart + 1100 * kMs, 'u', "x", kDockerd, {"l/U", "l/S"});
  scene.reach(kStart + 1200 * kMs, 'u', "192.0.2.1", 1);
  scene.pass(kStart + 5 * kSec);
  CHECK(stage_at(scene, "192.0.2.1") == "?");
}

TEST_CASE("Two stages with the same line at once are not guessed, but by which one ends first") {
  for (const bool ends : {false, true}) {
    BuildKitScene scene;
    scene.request(1, kStart);
    scene.vertex(1, kStart + 300 * kMs, '2', "RUN x", kStart + 250 * kMs, 0, "first", 2);
    scene.vertex(1, kStart + 300 * kMs, '3', "RUN x", kStart + 251 * kMs, 0, "second", 3);
    scene.run_step(kStart + 400 * kMs, 's', "x");
    scene.run_step(kStart + 410 * kMs, 't', "x");
    scene.reach(kStart + 2000 * kMs, 's', "192.0.2.1", 1);
    scene.reach(kStart + 2000 * kMs, 't', "192.0.2.2", 2);
    if (ends) {
      scene.leave(kStart + 2010 * kMs, 's');
      scene.vertex(1, kStart + 2050 * kMs, '3', "RUN x", kStart + 251 * kMs, kStart + 2030 * kMs,
                   "second", 3);
      scene.see(ProcessExecuted{kStart + 2700 * kMs, scene.step_process('t', 4000)});
    }
    scene.pass(kStart + 4 * kSec);
    CHECK(stage_at(scene, "192.0.2.1") == (ends ? "second" : "?"));
    CHECK(stage_at(scene, "192.0.2.2") == (ends ? "first" : "?"));
    if (!ends) {
      REQUIRE(scene.of(Rule::kBuildEgress).size() == 2);
      CHECK(candidates(scene.of(Rule::kBuildEgress)[0]) ==
            "2 of stage first: RUN x;3 of stage second: RUN x;");
    }
    CHECK(scene.of(Rule::kSensorBlind).empty());
  }
}

TEST_CASE("Three stages at once, nine addresses: each under its own") {
  BuildKitScene scene;
  scene.request(1, kStart);
  const auto line = [](char stage, int n) {
    return std::string("wget http://") + stage + std::to_string(n);
  };
  const auto digest = [](char stage, int n) {
    return static_cast<char>('0' + (stage - 'a') * 3 + n);
  };
  for (char stage = 'a'; stage <= 'c'; ++stage) {
    for (int n = 0; n < 3; ++n)
      scene.vertex(1, kStart + 10 * kMs, digest(stage, n), "RUN " + line(stage, n), 0, 0,
                   std::string(1, stage), static_cast<std::uint32_t>(2 + n));
  }
  for (int n = 0; n < 3; ++n) {
    const TimeNs at = kStart + static_cast<TimeNs>(n + 1) * kSec;
    for (char stage = 'a'; stage <= 'c'; ++stage)
      scene.vertex(1, at + 100 * kMs, digest(stage, n), "RUN " + line(stage, n), at, 0,
                   std::string(1, stage), static_cast<std::uint32_t>(2 + n));
    for (char stage = 'c'; stage >= 'a'; --stage)
      scene.run_step(at + 300 * kMs, static_cast<char>('0' + (stage - 'a') * 3 + n),
                     line(stage, n));
    for (char stage = 'b'; stage != 0; stage = stage == 'b' ? 'a' : stage == 'a' ? 'c' : '\0')
      scene.reach(at + 310 * kMs, static_cast<char>('0' + (stage - 'a') * 3 + n),
                  std::string("192.0.2.") + std::to_string((stage - 'a') * 10 + n),
                  static_cast<std::uint64_t>((stage - 'a') * 10 + n));
  }
  scene.pass(kStart + 9 * kSec);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 9);
  for (const auto& f : scene.of(Rule::kBuildEgress)) {
    CHECK(f.step->attribution == Attribution::kExact);
    const auto ip = f.connection->destination.ip.substr(8);
    CHECK(f.step->stage[0] - 'a' == std::stoi(ip) / 10);
    CHECK(f.step->number == 2u + static_cast<std::uint32_t>(std::stoi(ip) % 10));
  }
}

TEST_CASE("Two builds at once: by what they run; a step they share is the first one's") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.request(2, kStart + 10 * kMs);
  scene.vertex(1, kStart + 300 * kMs, '2', "RUN one", kStart + 250 * kMs);
  scene.vertex(2, kStart + 300 * kMs, '3', "RUN two", kStart + 250 * kMs);
  scene.vertex(2, kStart + 300 * kMs, '4', "RUN both", kStart + 250 * kMs);
  scene.vertex(1, kStart + 300 * kMs, '4', "RUN both", kStart + 250 * kMs);
  scene.run_step(kStart + 400 * kMs, 's', "two");
  scene.run_step(kStart + 400 * kMs, 't', "one");
  scene.run_step(kStart + 400 * kMs, 'u', "both");
  scene.reach(kStart + 410 * kMs, 's', "192.0.2.2", 1);
  scene.reach(kStart + 410 * kMs, 't', "192.0.2.1", 2);
  scene.reach(kStart + 410 * kMs, 'u', "192.0.2.3", 3);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 3);
  for (const auto& f : scene.of(Rule::kBuildEgress)) {
    CHECK(f.step->attribution == Attribution::kExact);
    CHECK(f.build->request.call.conn == (f.connection->destination.ip == "192.0.2.2" ? 2 : 1));
  }
}

TEST_CASE("The same line in two builds at once is not guessed") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.request(2, kStart + 10 * kMs);
  scene.vertex(1, kStart + 300 * kMs, '2', "RUN x", kStart + 250 * kMs);
  scene.vertex(2, kStart + 300 * kMs, '3', "RUN x", kStart + 250 * kMs);
  scene.run_step(kStart + 400 * kMs, 's', "x");
  scene.run_step(kStart + 400 * kMs, 't', "x");
  scene.reach(kStart + 410 * kMs, 's', "192.0.2.1", 1);
  scene.reach(kStart + 410 * kMs, 't', "192.0.2.2", 2);
  scene.pass(kStart + 3 * kSec);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 2);
  for (const auto& f : scene.of(Rule::kBuildEgress))
    CHECK(f.step->attribution == Attribution::kAmbiguous);
}

TEST_CASE("The same line in two builds at once is told by when each layer was made") {
  for (const bool apart : {true, false}) {
    BuildKitScene scene;
    scene.request(1, kStart);
    scene.request(2, kStart + 10 * kMs);
    scene.vertex(1, kStart + 300 * kMs, '2', "RUN x", kStart + 200 * kMs);
    scene.vertex(2, kStart + 300 * kMs, '3', "RUN x", kStart + 230 * kMs);
    const TimeNs first = kStart + (apart ? 210 : 225) * kMs;  // a tick before the second one
    scene.run_step(kStart + 400 * kMs, 't', "x", kDockerd, {"l/T"}, kStart + 240 * kMs);
    scene.run_step(kStart + 410 * kMs, 's', "x", kDockerd, {"l/S"}, first);
    scene.reach(kStart + 420 * kMs, 's', "192.0.2.1", 1);
    scene.reach(kStart + 420 * kMs, 't', "192.0.2.2", 2);
    scene.pass(kStart + 3 * kSec);
    REQUIRE(scene.of(Rule::kBuildEgress).size() == 2);
    for (const auto& f : scene.of(Rule::kBuildEgress)) {
      if (!apart) {
        CHECK(f.step->attribution == Attribution::kAmbiguous);
        continue;
      }
      CHECK(f.step->attribution == Attribution::kExact);
      REQUIRE(f.build);
      CHECK(f.build->request.call.conn == (f.connection->destination.ip == "192.0.2.1" ? 1 : 2));
    }
  }
}

TEST_CASE("A second container for a step that has one already is another build's") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart + 300 * kMs, '2', "RUN x", kStart + 250 * kMs);
  scene.run_step(kStart + 400 * kMs, 's', "x");
  scene.run_step(kStart + 410 * kMs, 't', "x");
  scene.request(2, kStart + 401 * kMs, true);
  scene.reach(kStart + 420 * kMs, 't', "192.0.2.2", 2);
  scene.pass(kStart + 3 * kSec);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  CHECK(scene.of(Rule::kBuildEgress)[0].step->attribution == Attribution::kAmbiguous);
  CHECK(has_reason(scene.of(Rule::kBuildEgress)[0], "step-contended"));
}

TEST_CASE("A second container for a step is not taken for it, though nothing tells of its build") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart + 300 * kMs, '2', "RUN x", kStart + 250 * kMs);
  scene.run_step(kStart + 400 * kMs, 's', "x");
  scene.reach(kStart + 410 * kMs, 's', "192.0.2.1", 1);
  scene.run_step(kStart + 420 * kMs, 't', "x");
  scene.reach(kStart + 430 * kMs, 't', "192.0.2.2", 2);
  scene.pass(kStart + 3 * kSec);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 2);
  CHECK(scene.of(Rule::kBuildEgress)[0].step->attribution == Attribution::kExact);
  CHECK(scene.of(Rule::kBuildEgress)[1].step->attribution == Attribution::kAmbiguous);
  CHECK_FALSE(scene.of(Rule::kBuildEgress)[1].build);
}

TEST_CASE("Where the request of another build was lost a step is not guessed") {
  // A session that BuildKit asks for a Dockerfile; a conversation that could not be read.
  for (const bool session : {true, false}) {
    for (const bool known : {true, false}) {
      CAPTURE(session, known);
      BuildKitScene scene;
      ConnOpened opened;
      opened.time = kStart - kSec;
      opened.conn = 9;
      opened.engine_pid = kDockerd;
      scene.see(opened);
      scene.request(1, kStart);
      if (session) {
        BuildRequested other;
        other.time = kStart + 2 * kMs;
        other.call = {9, 0};
        other.buildkit = true;
        other.session = "heard";
        scene.learn(other);
        scene.vertex(9, kStart + 20 * kMs, '7', "RUN other", kStart + 10 * kMs);
        scene.clock(9, kStart + 500 * kMs, kStart + 450 * kMs);
        scene.learn(SessionOpened{kStart + 10 * kMs, 9, known ? "heard" : "unheard"});
      } else if (!known) {
        scene.learn(ConversationBlind{kStart - 10 * kSec, 9, "bytes were lost", {}});
      }
      scene.vertex(1, kStart + 300 * kMs, '2', "RUN x", kStart + 250 * kMs);
      scene.run_step(kStart + 400 * kMs, 's', "x");
      scene.reach(kStart + 410 * kMs, 's', "192.0.2.1", 1);
      scene.pass(kStart + 3 * kSec);
      REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
      const Finding found = scene.of(Rule::kBuildEgress)[0];
      CHECK(found.step->attribution == (known ? Attribution::kExact : Attribution::kAmbiguous));
      CHECK(has_reason(found, "build-unknown") == !known);
      CHECK(candidates(found).empty() == known);
    }
  }
}

TEST_CASE("A build met midway may have begun before its containers were seen") {
  BuildKitScene scene;
  scene.run_step(kStart, 's', "x");
  BuildRequested met = {};
  met.time = kStart + 5 * kSec;
  met.call = {1, 0};
  met.buildkit = met.midway = true;
  ConnOpened opened;
  opened.time = met.time;
  opened.conn = 1;
  opened.engine_pid = kDockerd;
  opened.midway = true;
  scene.see(opened);
  scene.learn(met);
  scene.reach(kStart + 5 * kSec + 100 * kMs, 's', "192.0.2.1", 1);
  scene.pass(kStart + 9 * kSec);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  CHECK(scene.of(Rule::kBuildEgress)[0].step->attribution == Attribution::kAmbiguous);
  CHECK_FALSE(scene.of(Rule::kBuildEgress)[0].build);
}

TEST_CASE("A cached rebuild says so, and runs nothing") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart + 100 * kMs, '2', "RUN x", kStart + 50 * kMs, kStart + 50 * kMs, "", 2,
               true);
  scene.end(1, kStart + 300 * kMs);
  REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
  CHECK(has_reason(scene.of(Rule::kBuildRequest)[0], "cached"));
}

TEST_CASE("A build that fails says in which step") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart + 100 * kMs, '2', "COPY x /", kStart + 50 * kMs, kStart + 60 * kMs, "", 2,
               false, "not found");
  scene.end(1, kStart + 300 * kMs, BuildStatus::kFailed);
  REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
  CHECK(has_reason(scene.of(Rule::kBuildRequest)[0], "step-failed"));
  scene.pass(kStart + 1400 * kMs);
  REQUIRE(scene.of(Rule::kBuildFailed).size() == 1);  // every one that fails has one

  scene.request(2, kStart + kSec);
  scene.vertex(2, kStart + 1300 * kMs, '3', "RUN x", kStart + 1250 * kMs);
  scene.run_step(kStart + 1400 * kMs, 's', "x");
  scene.reach(kStart + 1410 * kMs, 's', "192.0.2.1", 1);
  CHECK_FALSE(scene.of(Rule::kBuildEgress).empty());
}

TEST_CASE("A build that fails after it was told is told once more, with the step") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart + 100 * kMs, '2', "RUN x", kStart + 50 * kMs, 0, "s");
  scene.run_step(kStart + 200 * kMs, 's', "x");
  REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
  scene.leave(kStart + 500 * kMs, 's');
  scene.end(1, kStart + 600 * kMs, BuildStatus::kFailed);
  scene.vertex(1, kStart + 700 * kMs, '2', "RUN x", kStart + 50 * kMs, kStart + 550 * kMs, "s", 2,
               false, "exit code: 1");
  CHECK(scene.of(Rule::kBuildFailed).empty());
  scene.pass(kStart + 2 * kSec);
  REQUIRE(scene.of(Rule::kBuildFailed).size() == 1);
  const auto failed = scene.of(Rule::kBuildFailed)[0];
  CHECK(failed.build->id == scene.of(Rule::kBuildRequest)[0].build->id);
  CHECK(failed.build->status == BuildStatus::kFailed);
  CHECK(failed.id != scene.of(Rule::kBuildRequest)[0].id);
  CHECK(failed.severity == Severity::kInfo);
  CHECK(has_reason(failed, "step-failed"));
  REQUIRE(failed.step);
  CHECK(failed.step->number == 2);
  CHECK(failed.step->total == 4);
  CHECK(failed.step->stage == "s");
  CHECK(failed.step->instruction == "RUN x");
  CHECK(failed.step->container_id == step_id('s'));
  CHECK(failed.summary.ends_with("failed in step 2 of stage s"));
  scene.pass(kStart + 20 * kSec);
  CHECK(scene.of(Rule::kBuildFailed).size() == 1);
  CHECK(scene.tracker().held().builds == 0);
}

TEST_CASE("A build that fails in no RUN, or does not fail, says so") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart + 100 * kMs, '2', "RUN x", kStart + 50 * kMs, kStart + 60 * kMs);
  scene.vertex(1, kStart + 100 * kMs, '3', "COPY x /", kStart + 70 * kMs, kStart + 80 * kMs, "", 3,
               false, "not found");
  scene.end(1, kStart + 300 * kMs, BuildStatus::kFailed);
  scene.finish();
  REQUIRE(scene.of(Rule::kBuildFailed).size() == 1);
  CHECK(scene.of(Rule::kBuildFailed)[0].step->number == 3);
  CHECK(scene.of(Rule::kBuildFailed)[0].step->instruction.empty());
  for (const auto status : {BuildStatus::kSucceeded, BuildStatus::kCancelled}) {
    BuildKitScene other;
    other.request(1, kStart);
    other.vertex(1, kStart + 100 * kMs, '2', "RUN x", kStart + 50 * kMs, kStart + 60 * kMs);
    other.end(1, kStart + 300 * kMs, status);
    other.finish();
    CHECK(other.of(Rule::kBuildFailed).empty());
  }
}

TEST_CASE("A step that two builds share names the other one, and what it is given") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.request(2, kStart + 10 * kMs);
  const std::string line = "RUN --mount=type=secret,id=npm x";
  scene.vertex(1, kStart + 300 * kMs, '2', line, kStart + 250 * kMs);
  scene.vertex(2, kStart + 300 * kMs, '2', line, kStart + 250 * kMs);
  scene.run_step(kStart + 400 * kMs, 's', "x");
  scene.reach(kStart + 410 * kMs, 's', "192.0.2.1", 1);
  scene.pass(kStart + 3 * kSec);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  const auto egress = scene.of(Rule::kBuildEgress)[0];
  CHECK(egress.build->request.call.conn == 1);
  REQUIRE(has_reason(egress, "step-shared"));
  CHECK(has_reason(egress, "secret-mount"));
  for (const auto& reason : egress.reasons) {
    if (reason.code == "step-shared")
      CHECK(reason.text.find(scene.of(Rule::kBuildRequest)[1].build->id) != std::string::npos);
  }
  // Whichever of the images runs.
  for (const ConnId conn : {1, 2}) scene.end(conn, kStart + 4 * kSec);
  for (const char id : {'1', '2'}) {
    scene.created(kStart + 5 * kSec, id, std::string("image") + id + ":1");
    scene.started(kStart + 5 * kSec + kMs, container(id));
    const auto deployed = scene.of(Rule::kImageDeploy).back();
    REQUIRE(deployed.chain);
    CHECK(deployed.chain->links[0].finding == egress.id);
    CHECK(deployed.severity == Severity::kCritical);
  }
}

TEST_CASE("Who asks over another connection how a build goes makes no other build") {
  BuildKitScene scene;
  scene.open(1, kStart);
  BuildRequested build;
  build.time = kStart;
  build.call = {1, 0};
  build.buildkit = true;
  build.build_ref = "ref";
  scene.learn(build);
  scene.open(2, kStart + 100 * kMs);
  auto watch = build;
  watch.time = kStart + 100 * kMs;
  watch.call = {2, 0};
  watch.midway = true;
  scene.learn(watch);
  scene.learn(ConversationBlind{kStart + 100 * kMs, 2, "met midway", CallId{2, 0}});
  scene.vertex(2, kStart + 200 * kMs, '2', "RUN x", kStart + 150 * kMs);
  scene.learn(BuildEnded{kStart + 250 * kMs, {2, 0}, BuildStatus::kUnknown, 0, {}});
  scene.run_step(kStart + 300 * kMs, 's', "x");
  scene.reach(kStart + 310 * kMs, 's', "192.0.2.1", 1);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  CHECK(scene.of(Rule::kBuildEgress)[0].build->request.call.conn == 1);
  CHECK(scene.of(Rule::kBuildEgress)[0].build->status == BuildStatus::kRunning);
  CHECK(scene.of(Rule::kBuildRequest).size() == 1);
  CHECK(scene.of(Rule::kSensorBlind).empty());
  // What is lost of the watching is lost of the build.
  scene.learn(ConversationBlind{kStart + 400 * kMs, 2, "a hole", CallId{2, 0}});
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
  CHECK(scene.of(Rule::kSensorBlind)[0].build->request.call.conn == 1);
  scene.end(1, kStart + kSec);
  scene.pass(kStart + 100 * kSec);
  CHECK(scene.tracker().held().builds == 0);
  // After that it is one that was met midway.
  watch.call = {2, 1};
  watch.time = kStart + 100 * kSec;
  scene.learn(watch);
  CHECK(scene.tracker().held().builds == 1);
}

TEST_CASE("A quiet build's steps are told from kernel facts") {
  BuildKitScene scene;
  scene.request(1, kStart, true);
  scene.run_step(kStart + 400 * kMs, 's', "x");
  scene.reach(kStart + 410 * kMs, 's', "192.0.2.1", 1);
  scene.pass(kStart + 3 * kSec);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  const auto found = scene.of(Rule::kBuildEgress)[0];
  CHECK(found.step->attribution == Attribution::kInferred);
  CHECK(found.step->instruction == "RUN x");
  CHECK(found.step->number == 0);
  CHECK(has_reason(found, "told-from-kernel-facts"));
}

TEST_CASE("A step that fits none is said, not guessed") {
  BuildKitScene scene;
  scene.request(1, kStart);
  scene.vertex(1, kStart + 300 * kMs, '2', "RUN x", kStart + 250 * kMs);
  scene.run_step(kStart + 400 * kMs, 's', "y");
  scene.reach(kStart + 410 * kMs, 's', "192.0.2.1", 1);
  scene.pass(kStart + 3 * kSec);
  CHECK(scene.of(Rule::kBuildEgress).empty());
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
  CHECK(has_reason(scene.of(Rule::kSensorBlind)[0], "connection-unattributed"));
}

TEST_CASE("A context that comes with a request of its own is the build's, in any order") {
  for (const bool first : {false, true}) {
    BuildKitScene scene;
    const auto upload = [&] {
      BuildRequested fact;
      fact.time = kStart;
      fact.call = {9, 0};
      fact.buildkit = true;
      fact.upload_for = "ref";
      scene.learn(fact);
      DockerfileSeen dockerfile;
      dockerfile.time = kStart;
      dockerfile.call = {9, 0};
      dockerfile.base_images = {"alpine"};
      scene.learn(dockerfile);
    };
    if (first) upload();
    scene.open(1, kStart);
    BuildRequested build;
    build.time = kStart + kMs;
    build.call = {1, 0};
    build.buildkit = true;
    build.build_ref = "ref";
    scene.learn(build);
    if (!first) upload();
    scene.end(9, kStart + 2 * kMs);
    scene.end(1, kStart + 3 * kMs);
    REQUIRE(scene.of(Rule::kBuildRequest).size() == 1);
    CHECK(scene.of(Rule::kBuildRequest)[0].build->base_images ==
          std::vector<std::string>{"alpine"});
    CHECK(scene.of(Rule::kBuildRequest)[0].build->request.call.conn == 1);
    scene.pass(kStart + 9000 * kSec);
    CHECK(scene.tracker().held().builds == 0);
    CHECK(scene.tracker().held().deadlines == 0);
  }
}

TEST_CASE("Steps beyond the limit are refused and said; memory comes back") {
  BuildKitScene scene;
  scene.request(1, kStart);
  for (std::size_t i = 0; i <= tracker::kMaxVertices; ++i) {
    VertexSeen seen;
    seen.time = kStart + kMs;
    seen.call = {1, 0};
    seen.digest = "sha256:" + std::to_string(i);
    seen.kind = VertexKind::kRun;
    seen.text = "RUN " + std::string(5000, 'x');
    scene.learn(seen);
  }
  REQUIRE(scene.of(Rule::kSensorBlind).size() == 1);
  CHECK(scene.of(Rule::kSensorBlind)[0].health->cause == "vertices");
  scene.end(1, kStart + kSec);
  scene.pass(kStart + 100 * kSec);
  // There is room again for as many.
  for (ConnId conn = 2; conn < 8; ++conn) {
    scene.request(conn, kStart + 200 * kSec);
    scene.vertex(conn, kStart + 201 * kSec, '2', "RUN x");
    scene.end(conn, kStart + 202 * kSec);
  }
  CHECK(scene.of(Rule::kSensorBlind).size() == 1);
}
