// Each rule, its reasons and severities (design §4.2).
#include "detect/detector.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "baseline/memory_store.h"
#include "unit/detect/moments.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using test::has;
using tracker::Moment;
using tracker::MomentKind;

namespace {

struct Bench {
  baseline::MemoryStore seen;
  detect::Detector detector{"boot", seen};
};

Build tcp_build(const std::string& ip = "198.51.100.66") {
  Build build;
  build.id = "b1";
  build.started = 1'000'000'000;
  build.client.transport = Transport::kTcp;
  build.client.address = {ip, 4000};
  build.base_images = {"alpine:3"};
  return build;
}

Build local_build() {
  Build build;
  build.id = "b1";
  build.client.process = Process{};
  build.client.process->exe = "/usr/bin/docker";
  return build;
}

Moment request(Build build) {
  Moment moment;
  moment.kind = MomentKind::kBuildRequest;
  moment.time = 5;
  moment.call = build.request.call;
  moment.build = std::move(build);
  return moment;
}

Moment egress(const std::string& ip, std::uint16_t port, const std::string& container = "c1") {
  Moment moment;
  moment.kind = MomentKind::kBuildEgress;
  moment.build = tcp_build();
  moment.step = Step{2, 3, "", "RUN x", container, "", Attribution::kExact};
  Connection connection;
  connection.destination = {ip, port};
  moment.connection = connection;
  moment.key = container + "/" + ip + "/" + std::to_string(port);
  return moment;
}

Moment deploy() {
  Moment moment;
  moment.kind = MomentKind::kImageDeploy;
  moment.build = local_build();
  moment.build->ended = 2'000'000'000;
  moment.time = 5'000'000'000;
  moment.deployment = Deployment{};
  moment.deployment->started = true;
  moment.deployment->container.image = "x:1";
  moment.key = "d1";
  return moment;
}

Moment import(Arrival road = Arrival::kLoad) {
  Moment moment;
  moment.kind = MomentKind::kImageImport;
  moment.time = 7;
  moment.import = Import{};
  moment.import->id = "i1";
  moment.import->road = road;
  moment.import->client = local_build().client;
  moment.image = Image{"", {"evil:1"}, ""};
  moment.key = "evil:1";
  return moment;
}

}  // namespace

TEST_CASE("Many harmless URLs hide none that only the engine reaches") {
  Bench bench;
  auto build = local_build();
  build.dockerfile = DockerfileSeen{};
  auto& lines = build.dockerfile->instructions;
  for (int n = 0; n < 100; ++n)
    lines.push_back({"ADD https://a.test/" + std::to_string(n) + " /", false, false});
  for (int n = 0; n < 100; ++n) lines.push_back({"ADD http://127.0.0.1:5000/ /", false, false});
  lines.push_back({"ADD http://[::ffff:169.254.169.254]/latest/ /x", false, false});
  const auto found = *bench.detector.judge(request(build));
  CHECK(has(found, "add-url"));
  CHECK(has(found, "fetch-inside"));
  CHECK(has(found, "cloud-metadata"));
  CHECK(found.severity == Severity::kCritical);
  CHECK(found.reasons.size() < 50);
}

TEST_CASE("build-request: reasons and severity") {
  Bench bench;
  const auto judge = [&](const Build& build) { return *bench.detector.judge(request(build)); };

  const auto local = judge(local_build());
  CHECK(local.rule == Rule::kBuildRequest);
  CHECK(local.severity == Severity::kLow);
  CHECK(local.reasons.empty());
  CHECK(local.time == 5);

  CHECK(judge(tcp_build("127.0.0.1")).severity == Severity::kMedium);
  CHECK(has(judge(tcp_build("127.0.0.1")), "client-tcp"));
  CHECK_FALSE(has(judge(tcp_build("127.0.0.1")), "client-remote"));
  CHECK(judge(tcp_build()).severity == Severity::kHigh);
  CHECK(has(judge(tcp_build()), "client-remote"));

  auto inside = local_build();
  inside.client.container_id = std::string(64, 'a');
  CHECK(has(judge(inside), "client-in-container"));
  CHECK(judge(inside).severity == Severity::kMedium);
  inside.container_id = inside.client.container_id;  // with the engine
  CHECK_FALSE(has(judge(inside), "client-in-container"));

  auto context = local_build();
  context.request.remote_context = "http://a/Dockerfile";
  CHECK(has(judge(context), "remote-context"));
  CHECK(judge(context).severity == Severity::kMedium);
  auto far = tcp_build("127.0.0.1");
  far.request.remote_context = "http://a/Dockerfile";
  CHECK(judge(far).severity == Severity::kHigh);

  auto rest = local_build();
  rest.request.quiet = true;
  rest.request.network_mode = "host";
  rest.request.browser = true;
  for (const auto* code : {"quiet-build", "network-host", "browser-request"})
    CHECK(has(judge(rest), code));
  CHECK(judge(rest).severity == Severity::kHigh);  // as from a web page
  rest.request.browser = false;
  CHECK(judge(rest).severity == Severity::kMedium);

  auto midway = local_build();
  midway.request.midway = true;
  CHECK(has(judge(midway), "met-midway"));

  auto unknown = local_build();
  unknown.client.process->exe.clear();
  CHECK(has(judge(unknown), "client-unknown"));
  CHECK(judge(unknown).severity == Severity::kLow);
  unknown.client.process->comm.clear();
  CHECK(judge(unknown).summary.starts_with("build requested by an unknown program (uid "));
  CHECK_FALSE(has(judge(tcp_build()), "client-unknown"));

  auto refused = tcp_build();
  refused.status = BuildStatus::kRefused;
  CHECK(judge(refused).severity == Severity::kInfo);
}

TEST_CASE("build-request: what the engine is to fetch, and from where") {
  Bench bench;
  auto build = local_build();
  build.dockerfile = DockerfileSeen{};
  build.dockerfile->instructions = {{"FROM alpine:3", false, true},
                                    {"ADD https://a.test/x /x", false, false}};
  auto found = bench.detector.judge(request(build));
  CHECK(has(*found, "add-url"));
  CHECK(found->severity == Severity::kLow);
  build.dockerfile->instructions[1].text = "ADD http://169.254.169.254/latest/meta-data/iam /x";
  found = bench.detector.judge(request(build));
  CHECK(has(*found, "cloud-metadata"));
  CHECK(found->severity == Severity::kCritical);
  for (const auto* url : {"http://127.0.0.1:8500/", "http://localhost/", "http://10.0.0.1:2375/x",
                          "http://169.254.1.1/x", "http://[fe80::1]/x"}) {
    auto inside = local_build();
    inside.request.remote_context = url;
    found = bench.detector.judge(request(inside));
    CHECK(has(*found, "fetch-inside"));
    CHECK(found->severity == Severity::kHigh);
  }
  build.dockerfile->instructions.assign(1000, {"ADD http://localhost/ /x", false, false});
  CHECK(bench.detector.judge(request(build))->reasons.size() <= 66);
}

TEST_CASE("build-request: what steps may do beyond a sandbox is told by name") {
  Bench bench;
  auto build = local_build();
  build.request.entitlements = {"network.host"};
  auto found = bench.detector.judge(request(build));
  CHECK(has(*found, "entitlement"));
  CHECK(found->severity == Severity::kMedium);
  build.request.entitlements = {"network.host", "security.insecure"};
  found = bench.detector.judge(request(build));
  CHECK(found->severity == Severity::kHigh);
  CHECK(std::count_if(found->reasons.begin(), found->reasons.end(), [](const Reason& r) {
          return r.text.find("given security.insecure") != r.text.npos;
        }) == 1);
}

TEST_CASE("build-egress: first seen alerts, a repeat does not") {
  Bench bench;
  const auto first = bench.detector.judge(egress("192.0.2.1", 80));
  REQUIRE(first);
  CHECK(first->severity == Severity::kHigh);
  CHECK(first->score == 75);
  CHECK(has(*first, "first-seen-on-host"));
  CHECK(has(*first, "raw-address"));
  CHECK(first->connection->first_in_builds);
  CHECK_FALSE(bench.detector.judge(egress("192.0.2.1", 80)));
  CHECK_FALSE(bench.detector.judge(egress("192.0.2.1", 80, "c2")));
  CHECK(bench.detector.judge(egress("192.0.2.1", 81)));
}

TEST_CASE("build-egress: what is always wrong alerts for each step, once") {
  for (const auto& [ip, port, code] :
       {std::tuple{"169.254.169.254", 80, "cloud-metadata"},
        std::tuple{"fd00:ec2::254", 80, "cloud-metadata"},
        std::tuple{"172.17.0.1", 2375, "engine-api"}, std::tuple{"172.17.0.1", 2376, "engine-api"},
        std::tuple{"172.17.0.1", 2377, "engine-api"}}) {
    CAPTURE(ip, port);
    Bench bench;
    const auto p = static_cast<std::uint16_t>(port);
    const auto first = bench.detector.judge(egress(ip, p));
    REQUIRE(first);
    CHECK(first->severity == Severity::kCritical);
    CHECK(has(*first, code));
    CHECK_FALSE(bench.detector.judge(egress(ip, p)));
    const auto other = bench.detector.judge(egress(ip, p, "c2"));
    REQUIRE(other);
    CHECK_FALSE(other->connection->first_in_builds);
    CHECK(other->id != first->id);
  }
  Bench bench;
  const auto resolver = bench.detector.judge(egress("169.254.169.254", 53));  // of some clouds
  REQUIRE(resolver);
  CHECK_FALSE(has(*resolver, "cloud-metadata"));
  CHECK_FALSE(bench.detector.judge(egress("169.254.169.254", 53, "c2")));
  auto followed = egress("10.0.0.1", 4243);
  followed.to_engine = true;
  CHECK(has(*bench.detector.judge(followed), "engine-api"));
}

TEST_CASE(
    "build-egress: a step's own loopback is nothing outbound, unless an engine listens there") {
  for (const auto* ip : {"127.0.0.1", "127.0.0.11", "::1", "0.0.0.0", "::"}) {
    CAPTURE(ip);
    Bench bench;
    CHECK_FALSE(bench.detector.judge(egress(ip, 53)));
    const auto engine = bench.detector.judge(egress(ip, 2375));
    REQUIRE(engine);
    CHECK(has(*engine, "engine-api"));
    auto known = egress(ip, 4243);
    known.to_engine = true;
    CHECK(bench.detector.judge(known));
    for (const auto* mode : {"host", "container:abc"}) {
      auto shared = egress(ip, 53, mode);
      shared.build->request.network_mode = mode;
      const auto found = bench.detector.judge(shared);
      CHECK(found.has_value() == (std::string(mode) == "host"));  // the second one is a repeat
    }
  }
  Bench bench;
  auto lent = egress("127.0.0.1", 6379);
  lent.build->request.network_mode = "container:abc";
  CHECK(bench.detector.judge(lent));
  auto flagged = egress("127.0.0.1", 10250);
  flagged.step->instruction = "RUN --network=host wget http://127.0.0.1:10250/";
  CHECK(bench.detector.judge(flagged));
  auto told = egress("127.0.0.1", 10255);  // BuildKit: the instruction is what ran
  told.reasons.push_back({"network-host", "the step uses the network of the host"});
  CHECK(bench.detector.judge(told));
  CHECK(bench.detector.judge(egress("128.0.0.1", 80)));
}

TEST_CASE("build-egress: a name that was claimed, a path with a secret, a step without a number") {
  Bench bench;
  auto named = egress("192.0.2.1", 80);
  named.connection->http_host = "u:canary1234@example.org";
  named.connection->http_path = "/get?token=canary1234";
  const auto found = bench.detector.judge(named);
  REQUIRE(found);
  CHECK_FALSE(has(*found, "raw-address"));
  CHECK(found->connection->http_path.find("canary") == std::string::npos);
  CHECK(found->connection->http_host == "***@example.org");
  CHECK(found->summary.find("build step 2 connected") == 0);
  auto unknown = egress("192.0.2.2", 80);
  unknown.step->number = 0;
  CHECK(bench.detector.judge(unknown)->summary.find("a build step connected") == 0);
}

TEST_CASE("build-egress: a claimed name makes nothing known but itself at that address") {
  Bench bench;
  const auto claim = [&](const std::string& ip, const std::string& host, const std::string& tls) {
    static int container = 0;
    auto moment = egress(ip, 443, "n" + std::to_string(++container));
    moment.connection->http_host = host;
    moment.connection->tls_name = tls;
    return bench.detector.judge(moment);
  };
  const auto first = claim("192.0.2.1", "", "pypi.test");
  REQUIRE(first);
  CHECK(has(*first, "name-unverified"));
  CHECK_FALSE(has(*first, "raw-address"));
  CHECK_FALSE(claim("192.0.2.1", "", "pypi.test"));
  CHECK_FALSE(claim("192.0.2.1", "PyPI.test:443", ""));  // the same claim by a Host field
  CHECK(claim("192.0.2.2", "", "pypi.test"));            // curl --resolve
  CHECK(claim("192.0.2.1", "", "other.test"));
  CHECK(claim("192.0.2.1", "", ""));
  for (const auto* host : {"192.0.2.9", "192.0.2.9:443", "[::ffff:192.0.2.9]:443", "a b", "x\ny"}) {
    CAPTURE(host);
    static int address = 10;
    const auto raw = claim("192.0.2." + std::to_string(++address), host, "");
    REQUIRE(raw);
    CHECK(has(*raw, "raw-address"));
  }
}

TEST_CASE("image-deploy: reasons, severity and the story of its build") {
  Bench bench;
  const auto plain = bench.detector.judge(deploy());
  REQUIRE(plain);
  CHECK(plain->severity == Severity::kLow);
  CHECK(has(*plain, "deploy-soon-after-build"));
  CHECK(plain->summary.find("container started from x:1") == 0);

  auto created = deploy();
  created.deployment->started = false;
  CHECK(bench.detector.judge(created)->summary.find("created, not started") != std::string::npos);

  auto privileged = deploy();
  privileged.deployment->container.privileged = true;
  CHECK(bench.detector.judge(privileged)->severity == Severity::kCritical);
  CHECK(has(*bench.detector.judge(privileged), "privileged"));

  auto mounted = deploy();
  mounted.deployment->container.binds = {"/:/host", "volume:/data"};
  const auto found = bench.detector.judge(mounted);
  CHECK(found->severity == Severity::kCritical);
  CHECK(has(*found, "host-mount"));
  auto volume = deploy();
  volume.deployment->container.binds = {"volume:/data"};
  CHECK_FALSE(has(*bench.detector.judge(volume), "host-mount"));

  auto shared = deploy();
  shared.deployment->container.host_namespaces = {"pid"};
  CHECK(bench.detector.judge(shared)->severity == Severity::kHigh);
  CHECK(has(*bench.detector.judge(shared), "host-namespace"));

  bench.detector.judge(egress("192.0.2.1", 80));  // of the same build
  const auto story = bench.detector.judge(deploy());
  REQUIRE(story->connection);
  CHECK(story->connection->destination.ip == "192.0.2.1");
  CHECK(story->severity == Severity::kHigh);
}

TEST_CASE("image-import: reasons and severity") {
  Bench bench;
  const auto judge = [&](const Moment& moment) { return *bench.detector.judge(moment); };
  const auto plain = judge(import());
  CHECK(plain.rule == Rule::kImageImport);
  CHECK(plain.severity == Severity::kLow);
  CHECK(plain.time == 7);
  CHECK(plain.summary == "image evil:1 loaded by /usr/bin/docker (uid 0)");
  REQUIRE(plain.reasons.size() == 1);
  CHECK(plain.reasons[0].code == "loaded");
  CHECK(has(judge(import(Arrival::kImport)), "imported"));

  auto remote = import(Arrival::kImport);
  remote.import->request.source = "http://a/x.tar";
  CHECK(has(judge(remote), "remote-source"));
  CHECK(judge(remote).severity == Severity::kMedium);
  CHECK(judge(remote).summary.ends_with(" from http://a/x.tar"));

  auto tcp = import();
  tcp.import->client = tcp_build("127.0.0.1").client;
  CHECK(has(judge(tcp), "client-tcp"));
  CHECK_FALSE(has(judge(tcp), "client-remote"));
  CHECK(judge(tcp).severity == Severity::kMedium);
  tcp.import->client = tcp_build().client;
  CHECK(has(judge(tcp), "client-remote"));

  auto inside = import();
  inside.import->client.container_id = std::string(64, 'a');
  CHECK(has(judge(inside), "client-in-container"));
  inside.import->engine_container_id = inside.import->client.container_id;
  CHECK_FALSE(has(judge(inside), "client-in-container"));
  auto unknown = import();
  unknown.import->client.process->exe.clear();
  CHECK(has(judge(unknown), "client-unknown"));

  auto commit = import(Arrival::kCommit);
  commit.import->request.container = "web";
  CHECK(judge(commit).reasons[0].text.ends_with(": web"));
  commit.import->container_id = std::string(64, 'c');
  CHECK(judge(commit).reasons[0].text.ends_with(std::string(64, 'c')));
  CHECK(judge(commit).severity == Severity::kLow);
}

TEST_CASE("image-import: a container that went where builds go says nothing, and teaches nothing") {
  Bench bench;
  auto commit = import(Arrival::kCommit);
  commit.reached = {{"192.0.2.1", 80}, {"192.0.2.2", 80}};
  bench.detector.judge(egress("192.0.2.1", 80));
  for (int i = 0; i < 2; ++i) {
    const auto found = bench.detector.judge(commit);
    CHECK(found->severity == Severity::kMedium);
    REQUIRE(found->reasons.size() == 2);
    CHECK(found->reasons[1].code == "container-connected");
    CHECK(found->reasons[1].text.find("192.0.2.2 port 80") != std::string::npos);
  }
  CHECK(bench.detector.judge(egress("192.0.2.2", 80)));
  commit.reached = {{"192.0.2.1", 80}};
  CHECK(bench.detector.judge(commit)->severity == Severity::kLow);
  for (std::uint16_t port = 1; port < 100; ++port) commit.reached.push_back({"192.0.2.3", port});
  CHECK(bench.detector.judge(commit)->reasons.size() == 16);
}

TEST_CASE("image-deploy: of an imported image") {
  Bench bench;
  auto moment = deploy();
  moment.build.reset();
  moment.import = import().import;
  moment.import->time = 1'000'000'000;
  auto found = bench.detector.judge(moment);
  CHECK(found->severity == Severity::kLow);
  CHECK(has(*found, "image-imported"));
  CHECK(has(*found, "deploy-soon-after-import"));
  CHECK(found->summary == "container started from x:1, loaded by /usr/bin/docker (uid 0)");
  CHECK(found->import->id == "i1");
  moment.deployment->container.privileged = true;
  CHECK(bench.detector.judge(moment)->severity == Severity::kCritical);
  moment.deployment->container.privileged = false;
  moment.import->request.source = "http://a/x.tar";
  CHECK(bench.detector.judge(moment)->severity == Severity::kMedium);
  CHECK(has(*bench.detector.judge(moment), "remote-source"));
  moment.import->request.source.clear();
  auto commit = import(Arrival::kCommit);
  commit.reached = {{"192.0.2.1", 80}};
  bench.detector.judge(commit);
  CHECK(bench.detector.judge(moment)->severity == Severity::kHigh);
  CHECK(has(*bench.detector.judge(moment), "container-connected"));
}

TEST_CASE("sensor-blind: the summary says what was lost and what that means") {
  Bench bench;
  Moment moment;
  moment.kind = MomentKind::kBlind;
  moment.key = "ring#0";
  moment.reasons = {{"facts-lost", "records were dropped"}, {"may-be-missing", "a step may be"}};
  moment.health = Health{"ring", 7};
  const auto found = bench.detector.judge(moment);
  REQUIRE(found);
  CHECK(found->rule == Rule::kSensorBlind);
  CHECK(found->severity == Severity::kMedium);
  CHECK(found->summary == "records were dropped; a step may be (7 times)");
  CHECK(found->health->cause == "ring");
  CHECK(found->id.size() == 32);
}

TEST_CASE("An alert's id hangs on boot, call, rule and key alone") {
  Bench bench;
  auto one = request(tcp_build());
  auto two = one;
  two.time = 99;
  two.build->status = BuildStatus::kFailed;
  CHECK(bench.detector.judge(one)->id == bench.detector.judge(two)->id);
  two.call.number = 1;
  CHECK(bench.detector.judge(one)->id != bench.detector.judge(two)->id);
}
