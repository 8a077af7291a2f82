// What a deployment tells of the build before it.
#include "detect/chains.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>

#include "baseline/memory_store.h"
#include "detect/detector.h"
#include "unit/detect/moments.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using tracker::Moment;
using tracker::MomentKind;

namespace {

constexpr TimeNs kSecond = 1'000'000'000;

Build build(const std::string& id = "b1") {
  Build out;
  out.id = id;
  out.started = kSecond;
  out.client.process = Process{};
  out.client.process->exe = "/usr/bin/docker";
  out.request.remote_context = "http://a/Dockerfile";
  return out;
}

Moment request() {
  Moment moment;
  moment.kind = MomentKind::kBuildRequest;
  moment.time = kSecond;
  moment.build = build();
  moment.call = {1, 0};
  return moment;
}

Moment egress(const std::string& ip, std::uint16_t port = 80, TimeNs time = 2 * kSecond) {
  Moment moment;
  moment.kind = MomentKind::kBuildEgress;
  moment.time = time;
  moment.build = build();
  moment.step = Step{2, 3, "", "RUN x", "c1", "", Attribution::kExact};
  moment.place = "c1";
  moment.connection = Connection{};
  moment.connection->time = time;
  moment.connection->destination = {ip, port};
  moment.connection->process.pid = 20;
  moment.connection->process.exe = "/usr/bin/wget";
  moment.connection->process.args = {"wget", "http://a/payload"};
  moment.key = "c1/" + ip + "/" + std::to_string(port);
  return moment;
}

Moment executed(const std::string& exe, TimeNs time, const std::string& place = "c1",
                std::vector<std::string> args = {}) {
  Moment moment;
  moment.kind = MomentKind::kStepExecuted;
  moment.time = time;
  moment.place = place;
  moment.executed = Process{};
  moment.executed->pid = 30;
  moment.executed->ppid = 20;
  moment.executed->exe = exe;
  moment.executed->args = std::move(args);
  return moment;
}

Moment deploy(TimeNs after = 5 * kSecond) {
  Moment moment;
  moment.kind = MomentKind::kImageDeploy;
  moment.build = build();
  moment.build->ended = 10 * kSecond;
  moment.time = 10 * kSecond + after;
  moment.deployment = Deployment{};
  moment.deployment->container.image = "x:1";
  return moment;
}

bool has(const std::vector<Reason>& reasons, const std::string& code) {
  return std::any_of(reasons.begin(), reasons.end(),
                     [&](const Reason& reason) { return reason.code == code; });
}

struct Bench {
  explicit Bench(const std::string& text = {}) { test::configure(detector, text); }
  Finding judge(const Moment& moment) {
    const auto finding = detector.judge(moment);
    REQUIRE(finding);
    return *finding;
  }
  baseline::MemoryStore store;
  detect::Detector detector{"boot", store};
};

}  // namespace

TEST_CASE("A deployment tells the connections of its build, who made them and what was asked") {
  Bench bench;
  const auto asked = bench.judge(request());
  const auto first = bench.judge(egress("192.0.2.1"));
  const auto second = bench.judge(egress("192.0.2.2", 3333));
  CHECK(has(second.reasons, "mining-port"));
  const auto closed = bench.judge(deploy());
  REQUIRE(closed.chain);
  REQUIRE(closed.chain->links.size() == 2);
  CHECK(closed.chain->links[0].finding == first.id);
  CHECK(closed.chain->links[0].connection.process.exe == "/usr/bin/wget");
  CHECK(closed.chain->links[0].step.number == 2);
  CHECK(closed.chain->links[1].severity == Severity::kCritical);
  CHECK(closed.chain->request == asked.id);
  CHECK(closed.chain->left_out == 0);
  for (const auto* code : {"remote-context", "first-seen-on-host", "mining-port"})
    CHECK(has(closed.chain->reasons, code));
  CHECK_FALSE(has(closed.chain->reasons, "name-verified"));  // it weighs nothing
  CHECK(closed.connection->destination.ip == "192.0.2.2");
  // As grave as the gravest of its links.
  CHECK(closed.severity == Severity::kCritical);
  const auto text = std::find_if(closed.reasons.begin(), closed.reasons.end(), [](const auto& one) {
                      return one.code == "chain-closed";
                    })->text;
  CHECK(text.find("192.0.2.1 port 80 by /usr/bin/wget in step 2, 192.0.2.2 port 3333") !=
        std::string::npos);
}

TEST_CASE("What is lowered, or of another build, is in no chain") {
  Bench bench("destinations: {allow: [{network: 192.0.2.0/24}]}");
  bench.judge(egress("192.0.2.1"));
  CHECK_FALSE(bench.judge(deploy()).chain);
  CHECK(bench.judge(deploy()).severity == Severity::kLow);
  auto other = egress("198.51.100.1");
  other.build->id = "b2";
  bench.judge(other);
  CHECK_FALSE(bench.judge(deploy()).chain);
  // By its reasons, whatever the configuration makes of its rule.
  Bench lowered("severity: {build-egress: info}");
  CHECK(lowered.judge(egress("192.0.2.1")).severity == Severity::kInfo);
  CHECK(lowered.judge(deploy()).severity == Severity::kHigh);
  Bench known;
  auto named = egress("192.0.2.1", 443);
  named.connection->dns_names = {{"pypi.org", "192.0.2.53", true}};
  CHECK(known.judge(named).severity == Severity::kHigh);
  auto rotated = egress("192.0.2.2", 443);
  rotated.build->id = "b2";
  rotated.connection->dns_names = named.connection->dns_names;
  CHECK(known.judge(rotated).severity == Severity::kLow);
  auto later = deploy();
  later.build->id = "b2";
  CHECK_FALSE(known.judge(later).chain);
}

TEST_CASE("A step that two builds share is part of both stories") {
  Bench bench;
  auto shared = egress("192.0.2.1");
  shared.other_builds = {"b2"};
  bench.judge(shared);
  bench.detector.judge(executed("/tmp/payload", 3 * kSecond));
  for (const std::string id : {"b1", "b2"}) {
    auto closing = deploy();
    closing.build->id = id;
    const auto closed = bench.judge(closing);
    REQUIRE(closed.chain);
    CHECK(closed.chain->links[0].step.number == (id == "b1" ? 2 : 0));
    CHECK(has(closed.reasons, "payload-executed"));
    CHECK(closed.severity == Severity::kCritical);
  }
}

TEST_CASE("A connection that may be of several builds is told of each, and is in no chain") {
  Bench bench;
  auto whose = egress("192.0.2.1", 3333);
  whose.build.reset();
  whose.other_builds = {"b1", "b2"};
  CHECK(bench.judge(whose).severity == Severity::kCritical);
  const auto closed = bench.judge(deploy());
  CHECK_FALSE(closed.chain);
  CHECK_FALSE(closed.connection);
  CHECK(has(closed.reasons, "chain-closed"));
  CHECK(closed.severity == Severity::kMedium);
  bench.judge(egress("192.0.2.2"));
  CHECK(bench.judge(deploy()).severity == Severity::kHigh);
  // Not of any number: they would push out others.
  whose.connection->destination.port = 4444;
  whose.key += "/more";
  whose.other_builds.resize(detect::kMaxOthers + 3, "b9");
  bench.judge(whose);
  CHECK(bench.detector.refused() == 3);
}

TEST_CASE("An image whose name is in doubt has the story of the build that may have made it") {
  Bench bench;
  bench.judge(egress("192.0.2.1", 3333));
  auto closing = deploy();
  closing.build.reset();
  closing.uncertain = true;
  closing.other_builds = {"b0", "b1"};
  const auto closed = bench.judge(closing);
  CHECK(closed.severity == Severity::kHigh);
  CHECK_FALSE(closed.chain);  // it may be another one's
  const auto told = std::find_if(closed.reasons.begin(), closed.reasons.end(),
                                 [](const auto& one) { return one.code == "chain-closed"; });
  REQUIRE(told != closed.reasons.end());
  CHECK(told->text.ends_with("build b1: 192.0.2.1 port 3333 by /usr/bin/wget in step 2"));
  closing.other_builds = {"b0"};
  CHECK(bench.judge(closing).severity == Severity::kLow);
  closing.deployment->client.transport = Transport::kTcp;
  closing.deployment->client.address = {"198.51.100.66", 4000};
  CHECK(has(bench.judge(closing).reasons, "client-remote"));
}

TEST_CASE("Of many connections the gravest stay, and the others are counted") {
  Bench bench;
  for (std::uint16_t port = 1; port <= detect::kMaxLinks + 4; ++port)
    bench.judge(egress("192.0.2.1", port));
  bench.judge(egress("192.0.2.9", 2375));
  const auto closed = bench.judge(deploy());
  CHECK(closed.chain->links.size() == detect::kMaxLinks);
  CHECK(closed.chain->left_out == 5);
  CHECK(bench.detector.refused() == 5);
  CHECK(closed.chain->links.back().connection.destination.port == 2375);
  CHECK(closed.severity == Severity::kCritical);
  const auto reason = std::find_if(closed.reasons.begin(), closed.reasons.end(),
                                   [](const auto& one) { return one.code == "chain-closed"; });
  CHECK(reason->text.ends_with(", and 18 more"));
}

TEST_CASE("What is always wrong is part of a chain, also when it is known") {
  Bench bench;
  bench.judge(egress("192.0.2.9", 2375));
  auto again = egress("192.0.2.9", 2375);
  again.build->id = "b2";
  again.key += "/b2";
  CHECK_FALSE(bench.judge(again).connection->first_in_builds);
  auto closing = deploy();
  closing.build->id = "b2";
  CHECK(bench.judge(closing).severity == Severity::kCritical);
  CHECK(bench.judge(closing).chain->links.size() == 1);
}

TEST_CASE("What was fetched and then executed in the step is told when its image runs") {
  Bench bench;
  bench.judge(egress("192.0.2.1"));
  CHECK_FALSE(bench.detector.judge(executed("/tmp/payload", 3 * kSecond)));
  const auto closed = bench.judge(deploy());
  CHECK(has(closed.reasons, "payload-executed"));
  CHECK(closed.severity == Severity::kCritical);

  for (const auto& other :
       {executed("/tmp/payload", kSecond), executed("/tmp/payload", 3 * kSecond, "c2"),
        executed("/usr/bin/make", 3 * kSecond)}) {
    Bench none;
    none.judge(egress("192.0.2.1"));
    none.detector.judge(other);
    CHECK_FALSE(has(none.judge(deploy()).reasons, "payload-executed"));
  }
}

TEST_CASE("What was fetched and connects itself is told at once") {
  Bench bench;
  bench.judge(egress("192.0.2.1"));
  auto back = egress("192.0.2.7", 8443, 3 * kSecond);
  back.connection->process.exe = "./payload";
  back.connection->process.args = {"./payload"};
  const auto found = bench.judge(back);
  CHECK(has(found.reasons, "payload-executed"));
  CHECK(found.severity == Severity::kCritical);
  auto below = egress("192.0.2.8", 8443, 3 * kSecond);
  below.connection->ancestors = {"/tmp/payload", "/bin/sh"};
  CHECK(has(bench.judge(below).reasons, "payload-executed"));
  auto other = egress("192.0.2.9", 8443, 3 * kSecond);
  other.place = "c2";
  other.connection->process.exe = "./payload";
  CHECK_FALSE(has(bench.judge(other).reasons, "payload-executed"));
}

TEST_CASE("A shell below a connection, and what was unpacked after one") {
  Bench bench;
  bench.judge(egress("192.0.2.1"));
  bench.detector.judge(executed("/bin/sh", 3 * kSecond, "c1", {"sh", "-i"}));
  bench.detector.judge(executed("/bin/tar", 3 * kSecond, "c1", {"tar", "xz"}));
  const auto closed = bench.judge(deploy());
  CHECK(has(closed.reasons, "reverse-shell"));
  CHECK(has(closed.reasons, "unpacked-deployed"));
  CHECK_FALSE(has(bench.judge(deploy(3600 * kSecond)).reasons, "unpacked-deployed"));
}

TEST_CASE("How soon is soon is configured") {
  Bench bench("windows: {deploy_soon: 10s}");
  CHECK(has(bench.judge(deploy(10 * kSecond)).reasons, "deploy-soon-after-build"));
  const auto later = bench.judge(deploy(11 * kSecond));
  CHECK(has(later.reasons, "deploy-after-build"));
  CHECK_FALSE(has(later.reasons, "deploy-soon-after-build"));
  Bench usual;
  CHECK(has(usual.judge(deploy(detect::kDeploySoon)).reasons, "deploy-soon-after-build"));
  CHECK(has(usual.judge(deploy(detect::kDeploySoon + 1)).reasons, "deploy-after-build"));
}

TEST_CASE("An image that is an archive alone, deployed at once") {
  Bench bench;
  auto moment = deploy();
  moment.build->dockerfile = DockerfileSeen{};
  moment.build->dockerfile->instructions = {{"FROM scratch", false, true},
                                            {"ADD rootfs.tar.gz /", false, false}};
  const auto found = bench.judge(moment);
  CHECK(has(found.reasons, "unpacked-deployed"));
  CHECK(found.severity == Severity::kMedium);
}

TEST_CASE("Who had the container started counts as who had the image made, once") {
  Bench bench;
  auto moment = deploy();
  moment.deployment->client.transport = Transport::kTcp;
  moment.deployment->client.address = {"198.51.100.66", 4000};
  const auto found = bench.judge(moment);
  CHECK(found.severity == Severity::kHigh);
  moment.build->client = moment.deployment->client;
  CHECK(bench.judge(moment).score == found.score);
  CHECK(bench.judge(moment).reasons.size() == found.reasons.size() + 2);
}

TEST_CASE("What gives the host away is CRITICAL, a folder of a project is not") {
  Bench bench;
  auto moment = deploy();
  moment.deployment->container.binds = {"/home/u/project:/src"};
  CHECK(bench.judge(moment).severity == Severity::kLow);
  CHECK(has(bench.judge(moment).reasons, "host-mount"));
  moment.deployment->container.binds.push_back("/var/run/docker.sock:/s");
  CHECK(bench.judge(moment).severity == Severity::kCritical);
  moment.deployment->container.binds.clear();
  moment.deployment->container.capabilities = {"NET_RAW"};
  CHECK(bench.judge(moment).severity == Severity::kLow);
  moment.deployment->container.capabilities = {"SYS_ADMIN"};
  CHECK(has(bench.judge(moment).reasons, "capability"));
  CHECK(bench.judge(moment).severity == Severity::kHigh);
}

TEST_CASE("What developers give to what they built is LOW, what gives the host away is not") {
  Bench bench;
  const auto severity = [&](auto change) {
    auto moment = deploy();
    change(moment.deployment->container);
    return bench.judge(moment).severity;
  };
  for (const char* bind : {"/dev/dri:/dev/dri", "/proc:/host/proc:ro", "/sys:/host/sys:ro",
                           "/etc/localtime:/etc/localtime:ro"})
    CHECK(severity([&](auto& made) { made.binds = {bind}; }) == Severity::kLow);
  CHECK(severity([](auto& made) { made.host_namespaces = {"net", "ipc"}; }) == Severity::kLow);
  CHECK(severity([](auto& made) { made.capabilities = {"SYS_PTRACE"}; }) == Severity::kLow);
  CHECK(severity([](auto& made) { made.devices = {"/dev/snd:rwm"}; }) == Severity::kLow);
  CHECK(severity([](auto& made) { made.unconfined = {"seccomp"}; }) == Severity::kLow);
  CHECK(severity([](auto& made) { made.host_namespaces = {"pid"}; }) == Severity::kHigh);
  CHECK(severity([](auto& made) { made.binds = {"/root:/r:ro"}; }) == Severity::kHigh);
  CHECK(severity([](auto& made) { made.binds = {"/root:/r"}; }) == Severity::kCritical);
  CHECK(severity([](auto& made) { made.devices = {"/dev/sda:rwm"}; }) == Severity::kCritical);
  CHECK(severity([](auto& made) { made.devices = {"/dev/sda:r"}; }) == Severity::kHigh);
  CHECK(severity([](auto& made) { made.unconfined = {"read-only-paths"}; }) == Severity::kHigh);
  CHECK(severity([](auto& made) { made.left_out = 1; }) == Severity::kHigh);
  CHECK(severity([](auto& made) { made.volumes_from = {"agent"}; }) == Severity::kMedium);
}

TEST_CASE("A deployment by a client in a container is told as one") {
  Bench bench;
  auto moment = deploy();
  moment.deployment->client.process = Process{};
  const auto before = bench.judge(moment).score;
  moment.deployment->client.container_id = std::string(64, 'a');
  const auto found = bench.judge(moment);
  CHECK(has(found.reasons, "client-in-container"));
  CHECK(found.score == before + 20);
  moment.deployment->engine_container_id = std::string(64, 'a');  // its engine's own home
  CHECK_FALSE(has(bench.judge(moment).reasons, "client-in-container"));
  Bench listed("clients: [{container: " + std::string(64, 'a') + "}]");
  moment.deployment->engine_container_id.clear();
  CHECK(listed.judge(moment).score == before);
}

TEST_CASE("Stories that no longer have room are counted, and their places forgotten") {
  detect::Chains chains;
  for (std::size_t n = 0; n <= detect::kMaxStories; ++n) {
    Finding finding;
    finding.build = build("b" + std::to_string(n));
    finding.step = Step{};
    finding.connection = Connection{};
    chains.connected(finding, "c", Severity::kHigh);
  }
  CHECK(chains.refused() == 1);
  CHECK(chains.find("b0") == nullptr);
  CHECK(chains.find("b1") != nullptr);
  chains.executed("c", 1, Process{});
}

TEST_CASE("Whoever asks for many builds makes no story of another one forgotten") {
  Bench bench;
  bench.judge(egress("192.0.2.1"));
  for (std::size_t n = 0; n < 2 * detect::kMaxStories; ++n) {
    auto asked = request();
    asked.build->id = "other" + std::to_string(n);
    bench.judge(asked);
  }
  const auto closed = bench.judge(deploy());
  CHECK(closed.chain);
  CHECK(closed.severity == Severity::kHigh);
  CHECK(bench.detector.refused() == 0);
}
