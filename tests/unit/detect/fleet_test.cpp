// What hosts share, in alerts: destinations of builds, and images that another host built.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>

#include "baseline/memory_store.h"
#include "detect/detector.h"
#include "detect/image_note.h"
#include "harness/fake_fleet.h"
#include "unit/detect/moments.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using baseline::Scope;
using test::connect;
using test::has;
using test::kSecond;
using test::kWall;
using tracker::Moment;
using tracker::MomentKind;
using Kind = fleet::Answer::Kind;

namespace {

const std::string kImage = "sha256:" + std::string(64, 'a');

struct Bench {
  Bench() { detector.join(&fleet, "a.test"); }
  // As the pipeline does it.
  std::optional<Finding> judge(const Moment& moment, const fleet::Answer& answer) {
    const auto ticket = detector.ask(moment);
    return detector.judge(moment, ticket != 0 ? std::optional(answer) : std::nullopt);
  }
  test::FakeFleet fleet;
  baseline::MemoryStore store;
  detect::Detector detector{"boot", store, kWall};
};

Moment built(const std::string& build) {
  Moment moment;
  moment.kind = MomentKind::kImageBuilt;
  moment.time = 60 * kSecond;
  moment.build = Build{};
  moment.build->id = build;
  moment.build->ended = 50 * kSecond;
  moment.build->client.process = Process{};
  moment.build->client.process->exe = "/usr/bin/docker";
  moment.build->request.tags = {"app:1"};
  moment.image = Image{kImage, {}, ""};
  return moment;
}

Moment foreign(const std::string& name) {
  Moment moment;
  moment.kind = MomentKind::kImageDeploy;
  moment.time = 100 * kSecond;
  moment.foreign = name;
  moment.image = Image{{}, {name}, {}};
  moment.deployment = Deployment{};
  moment.deployment->started = true;
  moment.deployment->container.image = name;
  return moment;
}

const Reason& reason(const Finding& finding, const std::string& code) {
  const auto at = std::find_if(finding.reasons.begin(), finding.reasons.end(),
                               [&](const Reason& r) { return r.code == code; });
  REQUIRE(at != finding.reasons.end());
  return *at;
}

}  // namespace

TEST_CASE("Without a fleet nothing is asked, and the field stays unset") {
  baseline::MemoryStore store;
  detect::Detector detector("boot", store, kWall);
  const auto moment = connect(1, "192.0.2.1");
  CHECK(detector.ask(moment) == 0);
  const auto found = detector.judge(moment);
  REQUIRE(found);
  CHECK_FALSE(found->connection->first_in_fleet);
  CHECK_FALSE(detector.judge(built("b1")));
  CHECK_FALSE(detector.judge(foreign(kImage)));
}

TEST_CASE("What the fleet knows is no news here, and known from then on") {
  Bench bench;
  CHECK_FALSE(bench.judge(connect(1, "192.0.2.1", "x.test"), {Kind::kKnown, false, ""}));
  CHECK(bench.fleet.asked == std::vector<std::string>{"192.0.2.1 443 x.test"});
  CHECK(bench.store.knows(Scope::kBuilds, "192.0.2.1 443 x.test", kWall / kSecond));
  // Only new keys travel; of a known one the fleet is told now and then.
  CHECK_FALSE(bench.judge(connect(2, "192.0.2.1", "x.test"), {}));
  CHECK(bench.fleet.asked.size() == 1);
  CHECK(bench.fleet.touched == std::vector<std::string>{"192.0.2.1 443 x.test"});
}

TEST_CASE("What is new to the fleet is told as such") {
  Bench bench;
  const auto found = bench.judge(connect(1, "192.0.2.1"), {Kind::kNew, false, ""});
  REQUIRE(found);
  CHECK(found->connection->first_in_fleet == true);
  CHECK(has(*found, "first-seen-in-fleet"));
  CHECK(has(*found, "first-seen-on-host"));
  CHECK_FALSE(has(*found, "fleet-capped"));
  CHECK(found->severity == Severity::kHigh);
}

TEST_CASE("One more address of a name that builds of another host reached is a known name") {
  Bench bench;
  auto moment = connect(1, "192.0.2.1", "x.test");
  moment.connection->dns_names = {{"x.test", "10.0.0.53", true}};
  const auto found = bench.judge(moment, {Kind::kNew, false, "", true});
  REQUIRE(found);
  CHECK(bench.fleet.asked == std::vector<std::string>{"192.0.2.1 443 x.test / name 443 x.test"});
  CHECK(has(*found, "known-name"));
  CHECK(found->severity == Severity::kLow);
  // Known here from then on: no more is asked of it, it is only told now and then.
  auto later = connect(2, "192.0.2.2", "x.test");
  later.connection->dns_names = {{"x.test", "10.0.0.53", true}};
  CHECK(has(*bench.judge(later, {Kind::kNew, false, "", false}), "known-name"));
  CHECK(bench.fleet.asked.back() == "192.0.2.2 443 x.test");
  CHECK(bench.fleet.touched == std::vector<std::string>{"name 443 x.test"});
  // Of a name that is only claimed nobody is asked.
  CHECK_FALSE(has(*bench.judge(connect(3, "192.0.2.3", "y.test"), {Kind::kNew, false, "", false}),
                  "known-name"));
  CHECK(bench.fleet.asked.back() == "192.0.2.3 443 y.test");
}

// Else who has a name of his own lead to a place that the fleet knows makes it known without a
// word.
TEST_CASE("A name is known and taught only with a destination that is told") {
  Bench bench;
  const auto named = [](std::uint64_t time, const char* ip) {
    auto moment = connect(time, ip);
    moment.connection->dns_names = {{"evil.test", "10.0.0.53", true}};
    return moment;
  };
  CHECK_FALSE(bench.judge(named(1, "192.0.2.1"), {Kind::kKnown, false, "", false}));
  CHECK(bench.fleet.asked.back() == "192.0.2.1 443 / name 443 evil.test");
  CHECK(bench.fleet.touched.empty());
  CHECK_FALSE(bench.store.knows(Scope::kBuilds, "name 443 evil.test", kWall / kSecond));
  const auto found = bench.judge(named(2, "192.0.2.2"), {Kind::kNew, false, "", false});
  REQUIRE(found);
  CHECK_FALSE(has(*found, "known-name"));
  CHECK(bench.fleet.asked.back() == "192.0.2.2 443 / name 443 evil.test");
  CHECK(bench.fleet.touched == std::vector<std::string>{"name 443 evil.test"});
  // As where it does not answer, and this host's own baseline decides.
  Bench away;
  CHECK(away.judge(named(1, "192.0.2.1"), {Kind::kNone, false, "", false}));
  CHECK(away.fleet.touched == std::vector<std::string>{"name 443 evil.test"});
}

TEST_CASE("Where the fleet does not answer this host's own baseline decides") {
  Bench bench;
  const auto found = bench.judge(connect(1, "192.0.2.1"), {Kind::kNone, false, ""});
  REQUIRE(found);
  CHECK_FALSE(found->connection->first_in_fleet);
  CHECK(has(*found, "fleet-unanswered"));
  CHECK_FALSE(has(*found, "first-seen-in-fleet"));
  CHECK_FALSE(bench.judge(connect(2, "192.0.2.1"), {}));
}

TEST_CASE("A host that taught too much is told so") {
  Bench bench;
  const auto found = bench.judge(connect(1, "192.0.2.1"), {Kind::kNew, true, ""});
  REQUIRE(found);
  CHECK(found->connection->first_in_fleet == true);
  CHECK(has(*found, "fleet-capped"));
}

TEST_CASE("What is always wrong is told, whoever knows it") {
  Bench bench;
  auto engine = connect(1, "192.0.2.3");
  engine.to_engine = true;
  const auto found = bench.judge(engine, {Kind::kKnown, false, ""});
  REQUIRE(found);
  CHECK(found->severity == Severity::kCritical);
  CHECK(found->connection->first_in_fleet == false);
}

TEST_CASE("What has an address of the host itself or its link is shared with nobody") {
  Bench bench;
  for (const char* ip : {"127.0.0.1", "::1", "169.254.1.2", "fe80::1", "febf::1"}) {
    INFO(ip);
    auto moment = connect(1, ip);
    moment.build->request.network_mode = "host";
    CHECK(bench.detector.ask(moment) == 0);
    const auto found = bench.detector.judge(moment);
    REQUIRE(found);
    CHECK_FALSE(found->connection->first_in_fleet);
  }
  CHECK(bench.fleet.asked.empty());
}

TEST_CASE("One connection that is told of two builds is as new to the fleet for the second one") {
  Bench bench;
  auto moment = connect(1, "192.0.2.1");
  moment.egress = 7;
  CHECK(bench.judge(moment, {Kind::kNew, false, ""})->connection->first_in_fleet == true);
  moment.key = "other";
  CHECK(bench.judge(moment, {})->connection->first_in_fleet == true);
  CHECK(bench.fleet.asked.size() == 1);
}

TEST_CASE("An image that is built here is told to the fleet, with what its build reached") {
  Bench bench;
  CHECK(bench.judge(connect(1, "192.0.2.1", "x.test"), {Kind::kNew, false, ""}));
  CHECK_FALSE(bench.judge(built("b1"), {}));
  REQUIRE(bench.fleet.shared.contains(kImage));
  const auto note = detect::read_note(bench.fleet.shared[kImage]);
  REQUIRE(note);
  CHECK(note->build.id == "b1");
  CHECK(note->build.host == "a.test");
  CHECK(note->build.ended == 1'800'000'050 * kSecond);
  CHECK(note->build.client.process->exe == "/usr/bin/docker");
  CHECK(note->build.request.tags == std::vector<std::string>{"app:1"});
  REQUIRE(note->chain.links.size() == 1);
  CHECK(note->chain.links[0].connection.destination == Endpoint{"192.0.2.1", 443});
  CHECK(note->chain.links[0].connection.tls_name == "x.test");
  // One that is judged after the end of its build counts.
  CHECK(bench.judge(connect(2, "192.0.2.2"), {Kind::kNew, false, ""}));
  CHECK(detect::read_note(bench.fleet.shared[kImage])->chain.links.size() == 2);
  // A push gives it names that others may know it by.
  auto pushed = built("b1");
  pushed.image->tags = {"registry.test/app:1"};
  pushed.image->digest = "sha256:" + std::string(64, 'b');
  CHECK_FALSE(bench.judge(pushed, {}));
  CHECK(bench.fleet.shared.size() == 3);
  CHECK(bench.fleet.shared.contains("registry.test/app:1"));
}

TEST_CASE("What a shared step reaches is told to the fleet of each build that has the step") {
  Bench bench;
  CHECK_FALSE(bench.judge(built("b2"), {}));
  auto moment = connect(1, "192.0.2.1");
  moment.other_builds = {"b2"};
  CHECK(bench.judge(moment, {Kind::kNew, false, ""}));
  const auto note = detect::read_note(bench.fleet.shared[kImage]);
  REQUIRE(note);
  CHECK(note->build.id == "b2");
  REQUIRE(note->chain.links.size() == 1);
  CHECK(note->chain.links[0].connection.destination.ip == "192.0.2.1");
}

TEST_CASE("What was executed of what a build fetched is told to the fleet when it is known") {
  Bench bench;
  auto fetched = connect(1 * kSecond, "192.0.2.1");
  fetched.place = "c";
  fetched.connection->time = fetched.time;
  fetched.connection->process.pid = 20;
  fetched.connection->process.exe = "/usr/bin/wget";
  fetched.connection->process.args = {"wget", "-O", "/tmp/p", "http://192.0.2.1/p"};
  CHECK(bench.judge(fetched, {Kind::kNew, false, ""}));
  CHECK_FALSE(bench.judge(built("b1"), {}));
  Moment executed;
  executed.kind = MomentKind::kStepExecuted;
  executed.time = 2 * kSecond;
  executed.place = "c";
  executed.executed = Process{};
  executed.executed->pid = 30;
  executed.executed->exe = "/tmp/p";
  CHECK_FALSE(bench.judge(executed, {}));
  Bench other;
  const auto found =
      other.judge(foreign(kImage), {Kind::kKnown, false, bench.fleet.shared[kImage]});
  REQUIRE(found);
  CHECK(has(*found, "payload-executed"));
  CHECK(found->severity == Severity::kCritical);
}

TEST_CASE("A deployment of an image that another host built is one chain with its build") {
  Bench a, b;
  CHECK(a.judge(connect(1, "192.0.2.1"), {Kind::kNew, false, ""}));
  auto build = built("b1");
  build.build->client.transport = Transport::kTcp;
  build.build->client.address = {"203.0.113.5", 50'000};
  build.build->request.method = "POST";
  build.build->request.path = "/build";
  build.build->request.remote_context = "http://203.0.113.9/Dockerfile";
  build.build->base_images = {"alpine:3.20"};
  CHECK_FALSE(a.judge(build, {}));
  const auto found = b.judge(foreign(kImage), {Kind::kKnown, false, a.fleet.shared[kImage]});
  REQUIRE(found);
  CHECK(b.fleet.images == std::vector<std::string>{kImage});
  CHECK(found->rule == Rule::kImageDeploy);
  REQUIRE(found->build);
  CHECK(found->build->id == "b1");
  CHECK(found->build->host == "a.test");
  CHECK(found->build->ended == 50 * kSecond);
  CHECK(found->build->client.address.ip == "203.0.113.5");
  CHECK(found->build->client.process->exe == "/usr/bin/docker");
  CHECK(found->build->request.path == "/build");
  CHECK(found->build->request.remote_context == "http://203.0.113.9/Dockerfile");
  CHECK(found->build->base_images == std::vector<std::string>{"alpine:3.20"});
  CHECK(reason(*found, "built-elsewhere").text ==
        "another host built the image a moment ago: build b1 on host a.test, 50 s before, as "
        "app:1, for 203.0.113.5");
  CHECK(has(*found, "client-tcp"));
  CHECK(has(*found, "client-remote"));
  CHECK(reason(*found, "connected-elsewhere").text.find("192.0.2.1 port 443") != std::string::npos);
  REQUIRE(found->chain);
  REQUIRE(found->chain->links.size() == 1);
  CHECK(found->chain->links[0].step.number == 2);
  CHECK(found->chain->links[0].connection.time == 1);
  CHECK(std::any_of(found->chain->reasons.begin(), found->chain->reasons.end(),
                    [](const Reason& r) { return r.code == "raw-address" && r.weight > 0; }));
  CHECK(found->connection->destination.ip == "192.0.2.1");
  CHECK_FALSE(has(*found, "image-by-name"));
  CHECK(found->severity >= Severity::kHigh);
  CHECK(found->summary.find("built on host a.test for 203.0.113.5") != std::string::npos);
}

TEST_CASE("By its name alone an image is not certain, and without connections LOW") {
  Bench a, b;
  CHECK_FALSE(a.judge(built("b1"), {}));
  auto moment = foreign("registry.test/app:1");
  moment.time = 1000 * kSecond;
  const auto found = b.judge(moment, {Kind::kKnown, false, a.fleet.shared[kImage]});
  REQUIRE(found);
  CHECK(has(*found, "image-by-name"));
  CHECK(found->severity == Severity::kLow);
  CHECK_FALSE(found->chain);
  moment.deployment->container.privileged = true;
  CHECK(b.judge(moment, {Kind::kKnown, false, a.fleet.shared[kImage]})->severity ==
        Severity::kCritical);
}

TEST_CASE("An image that nobody built is nobody's finding") {
  Bench bench;
  // Nor is one that was built too long ago.
  CHECK_FALSE(bench.judge(built("b1"), {}));
  auto late = foreign(kImage);
  late.time = 25 * 3600 * kSecond;
  CHECK_FALSE(bench.judge(late, {Kind::kKnown, false, bench.fleet.shared[kImage]}));
  late.time = 23 * 3600 * kSecond;
  CHECK(bench.judge(late, {Kind::kKnown, false, bench.fleet.shared[kImage]}));
  CHECK_FALSE(bench.judge(foreign(kImage), {Kind::kNew, false, ""}));
  CHECK_FALSE(bench.judge(foreign(kImage), {Kind::kNone, false, ""}));
  for (const char* note :
       {"", "build b1\n", "host a\n", "build b1\nhost a\nended x\n", "build xyz\nhost a\nended 1\n",
        "build b1\nhost a\nended 1 2\n", "build b1\nhost a\nlink x\nport 70000\n",
        "build b1\nhost a\nclient 9\n", "build b1\nhost a\nengine 99\n",
        "build b1\nhost a\nended 99999999999999999999\n", "\n\n \n"}) {
    INFO(note);
    CHECK_FALSE(bench.judge(foreign(kImage), {Kind::kKnown, false, note}));
  }
}

TEST_CASE("An exception holds for the rule that tells of an image that nobody built") {
  for (const std::string rule : {"container-powers", "image-deploy"}) {
    CAPTURE(rule);
    Bench bench;
    test::configure(bench.detector,
                    "exceptions: [{owner: o, reason: r, expires: 2030-01-01, rule: " + rule +
                        ", client: {uid: 1000}}]\n");
    auto moment = foreign(kImage);
    moment.deployment->container.privileged = true;
    moment.deployment->client.process = Process{};
    moment.deployment->client.process->uid = 1000;
    const auto found = bench.judge(moment, {Kind::kNew, false, ""});
    REQUIRE(found);
    CHECK(found->rule == Rule::kContainerPowers);
    CHECK(has(*found, "exception") == (rule == "container-powers"));
  }
}

TEST_CASE("Notes of images are read as they are written") {
  detect::ImageNote note;
  note.build.id = "b1";
  note.build.host = "a.test";
  note.build.ended = 1'800'000'000 * kSecond;
  note.build.client.process = Process{};
  note.build.client.process->exe = std::string(300, 'c');
  note.build.request.tags = {"line\nbreak", "2", "3", "4", "5"};
  const auto read = detect::read_note(detect::text_of(note) + "later version\n");
  REQUIRE(read);
  CHECK(read->build.id == "b1");
  CHECK(read->build.ended == note.build.ended);
  CHECK(read->build.client.process->exe == std::string(detect::kMaxNoteLine, 'c'));
  CHECK(read->build.request.tags == std::vector<std::string>{"line break", "2", "3", "4"});
  CHECK(read->chain.links.empty());
  const auto spoilt = detect::read_note("build b1\nhost \xff\nended 1");
  REQUIRE(spoilt);
  CHECK(spoilt->build.host != "\xff");
}

TEST_CASE("A note has room for the gravest connections, and is never longer than its bound") {
  detect::ImageNote note;
  note.build.id = "b1";
  note.build.host = "a.test";
  for (int n = 0; n < 16; ++n) {
    ChainLink link;
    link.finding = "f" + std::to_string(n);
    link.severity = n == 15 ? Severity::kCritical : Severity::kHigh;
    link.connection.destination = {"192.0.2." + std::to_string(n), 443};
    link.connection.by_engine = n == 15;
    note.chain.links.push_back(link);
  }
  const auto read = detect::read_note(detect::text_of(note));
  REQUIRE(read);
  CHECK(read->chain.links.size() == detect::kMaxNoteLinks);
  CHECK(read->chain.links[0].connection.by_engine);
  CHECK_FALSE(read->chain.links[1].connection.by_engine);
  CHECK(read->chain.links[0].finding == "f15");
  CHECK(read->chain.left_out == 12);
  for (ChainLink& link : note.chain.links)
    link.connection.process.args = std::vector<std::string>(32, std::string(400, 'x'));
  CHECK(detect::text_of(note).size() <= fleet::kMaxNote);
  CHECK(detect::read_note(detect::text_of(note)));
}
