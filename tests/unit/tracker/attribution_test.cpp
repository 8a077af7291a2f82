// Whose step a container is, whatever a step prints and whatever is missing.
#include <catch2/catch_test_macros.hpp>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using namespace kilnwatch::test;

TEST_CASE("A forged step line written after the container's exit does not block the true one") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.line(1, 110 * kMs, 1, 4, "FROM alpine");
  scene.step(1, 200 * kMs, 2, 'a', 4);
  scene.leave(300 * kMs, 'a');
  scene.line(1, 301 * kMs, 4, 4, "RUN forged");       // the last of the step's output
  scene.line(1, 302 * kMs, 9, 9, "RUN other total");  // so are these
  scene.line(1, 303 * kMs, 2, 4, "RUN step 2");
  scene.running_in(1, 304 * kMs, 'e');
  scene.step(1, 310 * kMs, 3, 'b', 4);
  scene.connect(400 * kMs, 'b', "192.0.2.1", 1);
  scene.leave(410 * kMs, 'b');
  scene.step(1, 420 * kMs, 4, 'c', 4);
  scene.connect(500 * kMs, 'c', "192.0.2.2", 2);
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 2);
  CHECK(found[0].step->number == 3);
  CHECK(found[0].step->total == 4);
  CHECK(found[0].step->instruction == "RUN step 3");
  CHECK(found[0].step->attribution == Attribution::kExact);
  CHECK(found[1].step->number == 4);
  CHECK(found[1].step->instruction == "RUN step 4");
}

TEST_CASE("Any flood of forged lines leaves the next steps as they are") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.line(1, 110 * kMs, 1, 3, "FROM alpine");
  scene.step(1, 200 * kMs, 2, 'a', 3);
  for (std::uint32_t i = 0; i < 3000; ++i) {
    scene.line(1, 250 * kMs, 3, 3, "RUN forged " + std::to_string(i));
    scene.learn(BuildContainerAnnounced{250 * kMs, {1, 0}, std::to_string(100'000'000'000 + i)});
    scene.learn(BuildContainerRemoved{250 * kMs, {1, 0}, container('a').substr(0, 12)});
  }
  scene.leave(300 * kMs, 'a');
  scene.step(1, 310 * kMs, 3, 'b', 3);
  scene.connect(400 * kMs, 'b', "192.0.2.1", 1);
  scene.connect(401 * kMs, 'a', "192.0.2.2", 2);
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 2);
  CHECK(found[0].step->number == 3);
  CHECK(found[0].step->instruction == "RUN step 3");
  CHECK(found[0].step->attribution == Attribution::kExact);
  CHECK(found[1].step->number == 2);
}

TEST_CASE("A container older than the sensor is no step, also when its id was announced first") {
  Scene scene;
  const Process old = scene.process('e', 900);  // its cgroup is older than the step's
  scene.request(1, 100 * kMs);
  scene.step(1, 200 * kMs, 1, 'a', 2);
  scene.running_in(1, 250 * kMs, 'e');  // forged
  EgressStarted egress{300 * kMs, 7, 6, Outcome::kRefused, {"192.0.2.9", 80}, old};
  scene.see(egress);
  scene.pass(5000 * kMs);
  CHECK(scene.of(Rule::kBuildEgress).empty());
  CHECK(scene.of(Rule::kSensorBlind).empty());
}

TEST_CASE("A step that names another build's coming container does not take it over") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.request(2, 101 * kMs);
  scene.step(1, 200 * kMs, 1, 'a', 3);  // the forger runs
  scene.line(2, 300 * kMs, 1, 3, "RUN theirs");
  scene.running_in(2, 301 * kMs, 'b');
  scene.line(1, 302 * kMs, 2, 3, "RUN theirs");
  scene.running_in(1, 303 * kMs, 'b');  // forged, with the right text
  scene.start(320 * kMs, 'b', "theirs");
  scene.connect(400 * kMs, 'b', "192.0.2.1", 1);
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 1);
  CHECK(found[0].build->request.call.conn == 2);
  CHECK(found[0].step->number == 1);
  CHECK(found[0].step->attribution == Attribution::kExact);
}

TEST_CASE("Two equally good announcements of one container are ambiguous, with both named") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.request(2, 101 * kMs);
  scene.line(1, 200 * kMs, 2, 3, "RUN same");
  scene.running_in(1, 201 * kMs, 'b');
  scene.line(2, 202 * kMs, 3, 3, "RUN same");
  scene.running_in(2, 203 * kMs, 'b');
  scene.start(220 * kMs, 'b', "same");
  scene.connect(300 * kMs, 'b', "192.0.2.1", 1);
  scene.pass(5000 * kMs);
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 1);
  CHECK(found[0].step->attribution == Attribution::kAmbiguous);
  CHECK_FALSE(found[0].build.has_value());
  CHECK(found[0].summary.find("not known for certain") != std::string::npos);
  CHECK(found[0].step->number == 0);
  CHECK(std::count_if(found[0].reasons.begin(), found[0].reasons.end(),
                      [](const Reason& r) { return r.code == "candidate"; }) == 2);
}

TEST_CASE("An instruction that the container does not run is looked up in the Dockerfile") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.dockerfile(1, 101 * kMs, {"FROM a", "RUN one", "RUN two", "RUN two"});
  scene.line(1, 200 * kMs, 2, 4, "RUN something else");
  scene.running_in(1, 201 * kMs, 'a');
  scene.start(220 * kMs, 'a', "one");
  scene.connect(300 * kMs, 'a', "192.0.2.1", 1);
  scene.leave(350 * kMs, 'a');
  scene.line(1, 400 * kMs, 3, 4, "RUN something else");
  scene.running_in(1, 401 * kMs, 'b');
  scene.start(420 * kMs, 'b', "two");
  scene.connect(500 * kMs, 'b', "192.0.2.2", 2);
  scene.pass(5000 * kMs);
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 2);
  CHECK(found[0].step->number == 2);
  CHECK(found[0].step->attribution == Attribution::kInferred);
  CHECK(has_reason(found[0], "command-differs"));
  CHECK(found[1].step->number == 0);
  CHECK(found[1].step->attribution == Attribution::kAmbiguous);
  CHECK(has_reason(found[1], "candidate"));
}

TEST_CASE("Triggers of the base image run under the line of FROM") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.line(1, 110 * kMs, 1, 2, "FROM onbuild");
  for (const char id : {'a', 'b'}) {
    scene.running_in(1, (id == 'a' ? 120 : 220) * kMs, id);
    scene.start((id == 'a' ? 130 : 230) * kMs, id, "trigger");
    scene.connect((id == 'a' ? 140 : 240) * kMs, id, std::string("192.0.2.") + id, id);
    scene.leave((id == 'a' ? 150 : 250) * kMs, id);
  }
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 2);
  CHECK(found[1].step->number == 1);
  CHECK(found[1].step->attribution == Attribution::kExact);
}

TEST_CASE("Every single record of a step may be lost: what is told of the next is right") {
  for (int lost = 0; lost < 5; ++lost) {
    CAPTURE(lost);
    Scene scene;
    scene.request(1, 100 * kMs);
    scene.line(1, 110 * kMs, 1, 3, "FROM alpine");
    if (lost != 0) scene.line(1, 200 * kMs, 2, 3, "RUN step 2");
    if (lost == 0 || lost == 1) {
      scene.learn(
          ConversationBlind{200 * kMs, 1, "bytes of the conversation were lost", CallId{1, 0}});
    }
    if (lost != 1) scene.running_in(1, 201 * kMs, 'a');
    if (lost != 2) scene.start(220 * kMs, 'a', "step 2");
    scene.line(1, 240 * kMs, 3, 3, "RUN forged");
    if (lost != 3) scene.connect(250 * kMs, 'a', "192.0.2.1", 1);
    if (lost != 4) scene.leave(300 * kMs, 'a');
    scene.step(1, 400 * kMs, 3, 'b', 3);
    scene.connect(500 * kMs, 'b', "192.0.2.2", 2);
    scene.pass(5000 * kMs);
    const auto found = scene.of(Rule::kBuildEgress);
    REQUIRE(!found.empty());
    CHECK(found.back().step->number == 3);
    CHECK(found.back().step->instruction == "RUN step 3");
    for (const auto& f : found) {
      const std::uint32_t right = f.step->container_id == container('a') ? 2 : 3;
      CHECK((f.step->number == right || f.step->number == 0));
    }
    CHECK(found.size() + scene.of(Rule::kSensorBlind).size() >= 2 - (lost == 3 ? 1 : 0));
  }
}

TEST_CASE("Quiet builds: the order of containers tells equal instructions apart") {
  Scene scene;
  scene.request(1, 100 * kMs, true);
  scene.dockerfile(1, 101 * kMs, {"FROM a", "RUN same", "RUN other", "RUN same"});
  const char ids[] = {'a', 'b', 'c'};
  const char* texts[] = {"same", "other", "same"};
  TimeNs at = 200 * kMs;
  for (std::uint64_t i = 0; i < 3; ++i, at += 200 * kMs) {
    scene.start(at, ids[i], texts[i]);
    if (i != 0) {
      scene.connect(at + 10 * kMs, ids[i], "192.0.2." + std::to_string(i), i);
    } else {  // pending while the next container starts
      scene.attempt(at + 10 * kMs, 'a', "192.0.2.0", 77);
    }
    scene.leave(at + 100 * kMs, ids[i]);
  }
  scene.pass(9000 * kMs);
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 3);
  for (const auto& f : found) {
    const std::uint32_t right = f.step->container_id == container('a')   ? 2
                                : f.step->container_id == container('b') ? 3
                                                                         : 4;
    CHECK(f.step->number == right);
    CHECK(f.step->attribution == Attribution::kInferred);
    CHECK(has_reason(f, "told-from-kernel-facts"));
  }
}

TEST_CASE("Quiet builds: what may have come from the cache is not guessed") {
  for (const bool no_cache : {false, true}) {
    CAPTURE(no_cache);
    Scene scene;
    auto build = scene.request(1, 100 * kMs, true, false);
    build.no_cache = no_cache;
    scene.learn(build);
    scene.dockerfile(1, 101 * kMs, {"FROM a", "RUN same", "RUN same"});
    scene.start(200 * kMs, 'a', "same");
    scene.connect(210 * kMs, 'a', "192.0.2.1", 1);
    scene.pass(5000 * kMs);
    const auto found = scene.of(Rule::kBuildEgress);
    REQUIRE(found.size() == 1);
    CHECK(found[0].step->number == (no_cache ? 2U : 0U));
    CHECK(found[0].step->attribution ==
          (no_cache ? Attribution::kInferred : Attribution::kAmbiguous));
    CHECK(has_reason(found[0], "candidate") == !no_cache);
    CHECK(found[0].build.has_value());  // whichever step it is
    CHECK(found[0].step->instruction == "RUN same");
  }
}

TEST_CASE("Quiet builds in a row: the runtime's own first stage inside the cgroup is passed over") {
  Scene scene;
  for (ConnId n = 1; n <= 3; ++n) {
    const TimeNs at = n * 1000 * kMs;
    const char id = static_cast<char>('a' + static_cast<int>(n));
    const std::string text = "wget " + std::to_string(n);
    scene.request(n, at, true);
    scene.dockerfile(n, at + kMs, {"FROM a", "RUN " + text});
    Process init = scene.process(id, 500 + static_cast<std::uint32_t>(n));
    init.ppid = 400;  // runc create
    init.exe = "/memfd:runc_cloned:/proc/self/exe (deleted)";
    init.args = {"runc", "init"};
    scene.see(ProcessExecuted{at + 10 * kMs, init});
    scene.start(at + 50 * kMs, id, text);
    scene.connect(at + 60 * kMs, id, "192.0.2.1", n, static_cast<std::uint16_t>(8080 + n));
    scene.leave(at + 100 * kMs, id);
    scene.end(n, at + 200 * kMs);
  }
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 3);
  for (const auto& f : found) {
    CHECK(f.build->request.call.conn + 8080 == f.connection->destination.port);
    CHECK(f.step->number == 2);
    CHECK(f.step->attribution == Attribution::kInferred);
  }
}

TEST_CASE("Two quiet builds of one Dockerfile at once are ambiguous, other ones are told apart") {
  Scene scene;
  scene.request(1, 100 * kMs, true);
  scene.request(2, 101 * kMs, true);
  scene.dockerfile(1, 110 * kMs, {"FROM a", "RUN same", "RUN first"});
  scene.dockerfile(2, 111 * kMs, {"FROM a", "RUN same", "RUN second"});
  scene.start(200 * kMs, 'a', "same");
  scene.connect(210 * kMs, 'a', "192.0.2.1", 1);
  scene.start(300 * kMs, 'b', "second");
  scene.connect(310 * kMs, 'b', "192.0.2.2", 2);
  scene.pass(5000 * kMs);
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 2);
  const auto& other = found[0].step->container_id == container('b') ? found[0] : found[1];
  const auto& same = found[0].step->container_id == container('b') ? found[1] : found[0];
  CHECK(other.build->request.call.conn == 2);
  CHECK(other.step->number == 3);
  CHECK(other.step->attribution == Attribution::kInferred);
  CHECK(same.step->attribution == Attribution::kAmbiguous);
  CHECK_FALSE(same.build.has_value());
  CHECK(same.step->number == 2);  // in both
}

TEST_CASE("A quiet build without a Dockerfile: no number, the instruction from the command") {
  Scene scene;
  scene.request(1, 100 * kMs, true);
  scene.start(200 * kMs, 'a', "wget http://192.0.2.1/");
  scene.connect(210 * kMs, 'a', "192.0.2.1", 1);
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 1);
  CHECK(found[0].step->number == 0);
  CHECK(found[0].step->instruction == "RUN wget http://192.0.2.1/");
  CHECK(found[0].step->attribution == Attribution::kInferred);
}

TEST_CASE("A connection that may be a step's and fits none is told once, of others nothing") {
  Scene scene;
  scene.created(10 * kMs, 'c', "other");
  scene.start(20 * kMs, 'd');
  scene.request(1, 100 * kMs);
  scene.dockerfile(1, 101 * kMs, {"FROM a", "RUN one"});
  scene.start(200 * kMs, 'a', "unknown");
  scene.connect(210 * kMs, 'a', "192.0.2.1", 1, 8080);
  scene.connect(220 * kMs, 'a', "192.0.2.2", 2);
  scene.start(230 * kMs, 'c');
  scene.connect(240 * kMs, 'c', "192.0.2.3", 3);  // of a client
  scene.connect(250 * kMs, 'd', "192.0.2.4", 4);  // older than the build
  scene.attempt(260 * kMs, 'e', "192.0.2.5", 5);  // older than the sensor
  scene.start(270 * kMs, 'f');
  scene.connect(280 * kMs, 'f', "192.0.2.6", 6);
  scene.started(290 * kMs, "by-name");  // started again by a client, under a name
  scene.pass(5000 * kMs);
  CHECK(scene.of(Rule::kBuildEgress).empty());
  auto found = scene.blind_but("creation");
  REQUIRE(found.size() == 0);  // the name could be any of them
  scene.pass(6000 * kMs);
  scene.start(6100 * kMs, 'b', "unknown");
  scene.connect(6110 * kMs, 'b', "192.0.2.1", 7, 8080);
  scene.connect(6120 * kMs, 'b', "192.0.2.2", 8);
  scene.pass(9000 * kMs);
  found = scene.blind_but("creation");
  REQUIRE(found.size() == 1);
  CHECK(has_reason(found[0], "connection-unattributed"));
  CHECK(found[0].reasons[0].text.find("192.0.2.1 port 8080") != std::string::npos);
  REQUIRE(found[0].health);
  CHECK(found[0].health->cause == "connection-unattributed");
}

TEST_CASE("A start by name is not held against a container that began after its answer") {
  Scene scene;
  scene.request(1, 100 * kMs);
  scene.started(150 * kMs, "by-name");
  scene.start(200 * kMs, 'a', "unknown");
  scene.connect(210 * kMs, 'a', "192.0.2.1", 1);
  scene.pass(5000 * kMs);
  CHECK(scene.blind_but("creation").size() == 1);
}

TEST_CASE("A build met midway: later steps are told, what is not known is said once") {
  Scene scene;
  scene.open(1, 90 * kMs);
  scene.attempt(95 * kMs, 'z', "192.0.2.8", 8);  // before anything of the build was seen
  BuildRequested build;
  build.time = 100 * kMs;
  build.call = {1, 0};
  build.midway = true;
  scene.learn(build);
  scene.learn(ConversationBlind{100 * kMs, 1, "the build began before", CallId{1, 0}});
  scene.attempt(110 * kMs, 'e', "192.0.2.9", 9);  // may be the step that it was at
  scene.line(1, 200 * kMs, 3, 4, "RUN step 3");
  scene.running_in(1, 201 * kMs, 'a');
  scene.start(220 * kMs, 'a', "step 3");
  scene.connect(250 * kMs, 'a', "192.0.2.1", 1);
  scene.leave(300 * kMs, 'a');
  scene.attempt(310 * kMs, 'f', "192.0.2.9", 10);  // that step is over
  scene.line(1, 301 * kMs, 4, 9, "RUN forged");
  scene.learn(BuildImageAnnounced{302 * kMs, {1, 0}, std::string(12, '0'), true});
  scene.learn(BuildTagAnnounced{303 * kMs, {1, 0}, "forged:1"});
  scene.step(1, 310 * kMs, 4, 'b', 4);
  scene.connect(400 * kMs, 'b', "192.0.2.2", 2);
  scene.leave(500 * kMs, 'b');
  scene.learn(BuildImageAnnounced{510 * kMs, {1, 0}, "sha256:" + container('f'), false});
  scene.learn(BuildImageAnnounced{511 * kMs, {1, 0}, std::string(12, 'f'), true});
  scene.learn(BuildTagAnnounced{512 * kMs, {1, 0}, "true:1"});
  scene.end(1, 520 * kMs);
  scene.created(600 * kMs, 'd', "true:1");
  scene.started(610 * kMs, container('d'));
  scene.created(620 * kMs, 'c', "forged:1");
  scene.pass(9000 * kMs);
  const auto request = scene.of(Rule::kBuildRequest);
  REQUIRE(request.size() == 1);
  CHECK(has_reason(request[0], "met-midway"));
  CHECK(request[0].build->client.address.ip == "198.51.100.66");
  const auto egress = scene.of(Rule::kBuildEgress);
  REQUIRE(egress.size() == 2);
  CHECK(egress[0].step->number == 3);
  CHECK(egress[1].step->number == 4);
  CHECK(egress[1].step->total == 4);
  const auto deploy = scene.of(Rule::kImageDeploy);
  REQUIRE(deploy.size() == 1);
  CHECK(deploy[0].image->id == "sha256:" + container('f'));
  CHECK(deploy[0].image->tags == std::vector<std::string>{"true:1"});
  CHECK(scene.of(Rule::kSensorBlind).size() == 2);  // and the connection of container e
  std::size_t midway = 0;
  for (const auto& f : scene.of(Rule::kSensorBlind)) {
    if (f.health->cause == "midway") ++midway;
  }
  CHECK(midway == 1);
}

TEST_CASE("A line that was lost after another loss: the one before it does not tell the step") {
  Scene scene;  // FROM has no container but those of triggers
  scene.request(1, 100 * kMs);
  scene.dockerfile(1, 110 * kMs, {"FROM a", "RUN wget x", "RUN wget y", "RUN wget y"});
  scene.learn(ConversationBlind{120 * kMs, 1, "bytes were lost", CallId{1, 0}});
  scene.line(1, 200 * kMs, 1, 4, "FROM a");
  scene.running_in(1, 210 * kMs, 'a');
  scene.start(220 * kMs, 'a', "wget x");
  scene.connect(230 * kMs, 'a', "192.0.2.1", 1);
  scene.leave(240 * kMs, 'a');
  scene.line(1, 300 * kMs, 3, 4, "RUN wget y");
  scene.running_in(1, 310 * kMs, 'b');
  scene.start(320 * kMs, 'b', "wget y");
  scene.connect(330 * kMs, 'b', "192.0.2.2", 2);
  scene.leave(340 * kMs, 'b');
  scene.running_in(1, 410 * kMs, 'c');  // a line has one container
  scene.start(420 * kMs, 'c', "wget y");
  scene.connect(430 * kMs, 'c', "192.0.2.3", 3);
  scene.pass(5000 * kMs);
  const auto found = scene.of(Rule::kBuildEgress);
  REQUIRE(found.size() == 3);
  for (const std::uint32_t n : {0U, 1U, 2U}) CHECK(found[n].step->number == n + 2);
  CHECK(found[0].step->attribution == Attribution::kInferred);
  CHECK(found[1].step->attribution == Attribution::kExact);
  CHECK(found[2].step->attribution == Attribution::kInferred);
  CHECK(has_reason(found[0], "line-lost"));
  CHECK(has_reason(found[2], "line-lost"));

  Scene whole;  // nothing was lost: FROM's triggers, two of them
  whole.request(1, 100 * kMs);
  whole.dockerfile(1, 110 * kMs, {"FROM a", "RUN wget x"});
  whole.line(1, 200 * kMs, 1, 2, "FROM a");
  for (const char id : {'a', 'b'}) {
    const TimeNs time = (id == 'a' ? 210 : 310) * kMs;
    whole.running_in(1, time, id);
    whole.start(time + 10 * kMs, id, "trigger");
    whole.connect(time + 20 * kMs, id, id == 'a' ? "192.0.2.1" : "192.0.2.2", time);
    whole.leave(time + 30 * kMs, id);
  }
  REQUIRE(whole.of(Rule::kBuildEgress).size() == 2);
  for (const auto& f : whole.of(Rule::kBuildEgress)) CHECK(f.step->number == 1);
}

TEST_CASE(
    "A loopback that is every candidate's own is left by nothing, one that may be the host's is") {
  for (const bool host : {false, true}) {
    Scene scene;
    scene.request(1, 100 * kMs, true);
    auto second = scene.request(2, 101 * kMs, true, false);
    if (host) second.network_mode = "host";
    scene.learn(second);
    scene.dockerfile(1, 110 * kMs, {"FROM a", "RUN same"});
    scene.dockerfile(2, 111 * kMs, {"FROM a", "RUN same"});
    scene.start(200 * kMs, 'a', "same");
    scene.connect(210 * kMs, 'a', "127.0.0.1", 1);
    scene.pass(5000 * kMs);
    CHECK(scene.of(Rule::kBuildEgress).size() == (host ? 1 : 0));
  }
}

TEST_CASE("Quiet builds: stages behind the target are not built, so they do not count") {
  struct Row {
    std::string target;
    bool labels;
    std::uint32_t number, total;
  };
  for (const Row& row : {Row{"", false, 0, 5}, Row{"First", false, 3, 3}, Row{"first", true, 3, 4},
                         Row{"second", false, 0, 5}, Row{"0", false, 0, 0}}) {
    CAPTURE(row.target, row.labels);
    Scene scene;
    auto build = scene.request(1, 100 * kMs, true, false);
    build.target = row.target;
    build.labels = row.labels;
    scene.learn(build);
    scene.dockerfile(1, 101 * kMs,
                     {"ARG V", "FROM a AS first", "RUN same", "FROM b AS second", "RUN same"});
    scene.start(200 * kMs, 'a', "same");
    scene.connect(210 * kMs, 'a', "192.0.2.1", 1);
    scene.pass(5000 * kMs);
    const auto found = scene.of(Rule::kBuildEgress);
    REQUIRE(found.size() == 1);
    CHECK(found[0].step->number == row.number);
    CHECK(found[0].step->total == row.total);
  }
}

TEST_CASE("A client that starts a quiet build's container does not take it out of its build") {
  for (const bool known : {true, false}) {  // what the Dockerfile says
    CAPTURE(known);
    Scene scene;
    scene.request(1, 100 * kMs, true);
    if (known) scene.dockerfile(1, 101 * kMs, {"FROM a", "RUN same"});
    scene.start(200 * kMs, 'a', "same");
    scene.started(205 * kMs, container('a'));
    scene.connect(210 * kMs, 'a', "192.0.2.1", 1);
    scene.pass(5000 * kMs);
    const auto found = scene.of(Rule::kBuildEgress);
    REQUIRE(found.size() == 1);
    CHECK(has_reason(found[0], "started-by-client"));
    CHECK(found[0].build.has_value() == known);
    CHECK(has_reason(found[0], "candidate") == !known);
    CHECK(found[0].step->attribution == (known ? Attribution::kInferred : Attribution::kAmbiguous));
  }
}

TEST_CASE(
    "A container that a client started and that runs no step is nobody's, and no blind spot") {
  Scene scene;
  scene.request(1, 100 * kMs, true);
  scene.dockerfile(1, 101 * kMs, {"FROM a", "RUN same"});
  scene.start(200 * kMs, 'a', "other");
  scene.started(205 * kMs, container('a'));
  scene.connect(210 * kMs, 'a', "192.0.2.1", 1);
  scene.pass(5000 * kMs);
  CHECK(scene.of(Rule::kBuildEgress).empty());
  CHECK(scene.blind_but("creation").empty());
}

TEST_CASE("A user's engine says nothing of containers that root's has") {
  for (const std::uint32_t uid : {1000U, 0U}) {
    CAPTURE(uid);
    Scene scene;
    Process engine;
    engine.pid = 60;
    engine.start = 1;
    engine.uid = uid;
    engine.comm = "dockerd";
    engine.exe = "/home/u/dockerd";
    scene.see(ProcessExecuted{2, engine});
    scene.request(1, 100 * kMs);
    scene.step(1, 200 * kMs, 1, 'a', 2);
    ConnOpened opened;
    opened.time = 300 * kMs;
    opened.conn = 50;
    opened.engine = EngineKind::kDocker;
    opened.engine_pid = 60;
    opened.path = "/home/u/docker.sock";
    scene.see(opened);
    ContainerCreated made;
    made.time = 310 * kMs;
    made.call = {50, 0};
    made.container_id = container('a');
    scene.learn(made);
    scene.connect(400 * kMs, 'a', "192.0.2.1", 1);
    scene.pass(3000 * kMs);
    CHECK(scene.of(Rule::kBuildEgress).size() == (uid == 0 ? 0 : 1));
  }
}

TEST_CASE("A user's own engine tells its clients' containers from its steps") {
  Scene scene;
  Process shim;
  shim.pid = kShim;
  shim.comm = "containerd-shim";
  shim.uid = 1000;
  scene.see(ProcessExecuted{2, shim});
  const auto open = [&](ConnId conn) {
    ConnOpened opened;
    opened.time = 10 * kMs;
    opened.conn = conn;
    opened.join = conn;
    opened.engine = EngineKind::kDocker;
    opened.path = "/run/user/1000/docker.sock";
    scene.see(opened);
  };
  open(1);
  open(50);
  scene.request(1, 100 * kMs);
  ContainerCreated made;
  made.time = 110 * kMs;
  made.call = {50, 0};
  made.container_id = container('b');
  scene.learn(made);
  scene.start(120 * kMs, 'b', "sleep 9");
  scene.connect(130 * kMs, 'b', "192.0.2.7", 7);
  scene.step(1, 200 * kMs, 1, 'a', 2);
  scene.connect(400 * kMs, 'a', "192.0.2.1", 1);
  scene.pass(3000 * kMs);
  REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
  CHECK(scene.of(Rule::kBuildEgress)[0].step->container_id == container('a'));
  CHECK(scene.of(Rule::kSensorBlind).empty());
}
