// What a configuration changes in findings, and what it must not.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "baseline/memory_store.h"
#include "detect/detector.h"
#include "unit/detect/moments.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using tracker::Moment;
using tracker::MomentKind;

namespace {

constexpr std::uint64_t kDay = 86'400ull * 1'000'000'000;

struct Bench {
  explicit Bench(const std::string& text, std::uint64_t wall = 0) : detector("boot", seen, wall) {
    test::configure(detector, text);
  }
  std::optional<Finding> judge(const Moment& moment) { return detector.judge(moment); }

  baseline::MemoryStore seen;
  detect::Detector detector;
};

Client local(std::uint32_t uid = 1000, const std::string& exe = "/usr/bin/docker") {
  Client client;
  client.process = Process{};
  client.process->uid = uid;
  client.process->exe = exe;
  return client;
}

Client far(const std::string& ip = "198.51.100.66") {
  Client client;
  client.transport = Transport::kTcp;
  client.address = {ip, 4000};
  return client;
}

Moment request(Client client, std::vector<std::string> bases = {"alpine:3"}) {
  Moment moment;
  moment.kind = MomentKind::kBuildRequest;
  moment.build = Build{};
  moment.build->client = std::move(client);
  moment.build->base_images = std::move(bases);
  return moment;
}

Moment egress(const std::string& ip, std::uint16_t port, const std::string& tls_name = {},
              const std::string& http_host = {}) {
  Moment moment;
  moment.kind = MomentKind::kBuildEgress;
  moment.build = Build{};
  moment.build->id = "b1";
  moment.build->client = local();
  moment.step = Step{2, 3, "", "RUN x", "c1", "", Attribution::kExact};
  Connection connection;
  connection.destination = {ip, port};
  connection.tls_name = tls_name;
  connection.http_host = http_host;
  moment.connection = connection;
  moment.key = ip + "/" + std::to_string(port);
  return moment;
}

Moment deploy() {
  Moment moment;
  moment.kind = MomentKind::kImageDeploy;
  moment.build = Build{};
  moment.build->id = "b1";
  moment.deployment = Deployment{};
  moment.deployment->client = local();
  moment.deployment->container.privileged = true;
  return moment;
}

bool has(const std::optional<Finding>& finding, const std::string& code) {
  REQUIRE(finding);
  return std::any_of(finding->reasons.begin(), finding->reasons.end(),
                     [&](const Reason& r) { return r.code == code; });
}

}  // namespace

TEST_CASE("An allowed destination is LOW at most, and no part of a chain") {
  Bench bench("destinations: {allow: [{network: 10.0.0.0/8, port: 443}]}");
  const auto allowed = bench.judge(egress("10.1.2.3", 443));
  CHECK(has(allowed, "allowed-destination"));
  CHECK(allowed->severity == Severity::kLow);
  CHECK(allowed->connection->first_in_builds);
  CHECK_FALSE(bench.judge(deploy())->connection);
  const auto other = bench.judge(egress("10.1.2.3", 80));
  CHECK_FALSE(has(other, "allowed-destination"));
  CHECK(other->severity == Severity::kHigh);
  CHECK(bench.judge(deploy())->connection);
}

TEST_CASE("What is always wrong stays so where it is allowed") {
  Bench bench("destinations: {allow: [{network: 0.0.0.0/0}, {network: '::/0'}]}");
  CHECK(bench.judge(egress("169.254.169.254", 80))->severity == Severity::kCritical);
  const auto engine = bench.judge(egress("10.0.0.1", 2375));
  CHECK(engine->severity == Severity::kCritical);
  CHECK_FALSE(has(engine, "allowed-destination"));
  CHECK_FALSE(has(engine, "allowed-name-unverified"));
}

TEST_CASE("A name that is only claimed allows nothing, and that is said") {
  Bench bench("destinations: {allow: [{domain: '*.pypi.org'}, {domain: pypi.org}]}");
  for (const auto& moment :
       {egress("192.0.2.1", 443, "files.pypi.org"), egress("192.0.2.2", 80, "", "pypi.org:80")}) {
    const auto finding = bench.judge(moment);
    CHECK(finding->severity == Severity::kHigh);
    CHECK(has(finding, "allowed-name-unverified"));
    CHECK_FALSE(has(finding, "allowed-destination"));
  }
  CHECK_FALSE(has(bench.judge(egress("192.0.2.3", 443, "example.org")), "allowed-name-unverified"));
}

TEST_CASE("A name that DNS verified allows, unless the process asks for another one") {
  const std::string text =
      "destinations: {allow: [{domain: '*.pypi.org', port: 443}, {domain: pypi.org}]}";
  const auto named = [](Moment moment, std::vector<DnsName> names) {
    moment.connection->dns_names = std::move(names);
    return moment;
  };
  const DnsName pypi{"pypi.org", "192.0.2.53", true}, files{"files.pypi.org", "192.0.2.53", true};
  const DnsName other{"evil.example", "192.0.2.53", true}, own{"pypi.org", "203.0.113.1", false};
  const auto judged = [&](const Moment& moment) {
    Bench bench(text);
    const auto finding = bench.judge(moment);
    REQUIRE(finding);
    CHECK(has(finding, "allowed-destination") == (finding->severity == Severity::kLow));
    return finding;
  };
  for (const auto& moment :
       {named(egress("192.0.2.1", 443), {pypi}), named(egress("192.0.2.1", 443), {files, pypi}),
        named(egress("192.0.2.1", 443), {pypi, own}),
        named(egress("192.0.2.1", 443, "files.pypi.org"), {pypi, files, other}),
        named(egress("192.0.2.1", 80, "", "PyPI.org:80"), {pypi})}) {
    const auto finding = judged(moment);
    CHECK(has(finding, "allowed-destination"));
    CHECK(has(finding, "name-verified"));
    CHECK_FALSE(has(finding, "name-unverified"));
  }
  // A name that it asks for and that cannot be read is another one.
  CHECK_FALSE(
      has(judged(named(egress("192.0.2.1", 443, "", "pypi.org!"), {pypi})), "allowed-destination"));
  auto relayed = named(egress("192.0.2.1", 443, "pypi.org"), {pypi});
  relayed.connection->tls_relay = true;
  for (const auto& moment :
       {named(egress("192.0.2.1", 443), {own}), named(egress("192.0.2.1", 443), {pypi, other}),
        named(egress("192.0.2.1", 443, "evil.example"), {pypi}),
        named(egress("192.0.2.1", 443, "pypi.org"), {other}),
        named(egress("192.0.2.1", 443, "pypi.org"), {own}), relayed,
        named(egress("192.0.2.1", 80), {files})})
    CHECK_FALSE(has(judged(moment), "allowed-destination"));
  CHECK(has(judged(named(egress("192.0.2.1", 443), {own})), "allowed-name-unverified"));
  CHECK(judged(relayed)->connection->dns_name.name.empty());
  relayed.connection->dns_names = {pypi, other};
  CHECK(judged(relayed)->connection->dns_name == other);
  const auto engine = named(egress("192.0.2.1", 2375), {pypi});
  CHECK(judged(engine)->severity == Severity::kCritical);
}

TEST_CASE("Any name denies, also one that is not verified") {
  Bench bench("destinations: {deny: [{domain: evil.example}], allow: [{domain: pypi.org}]}");
  auto moment = egress("192.0.2.1", 443, "pypi.org");
  moment.connection->dns_names = {{"pypi.org", "192.0.2.53", true},
                                  {"evil.example", "203.0.113.1", false}};
  const auto finding = bench.judge(moment);
  CHECK(has(finding, "denied-destination"));
  CHECK_FALSE(has(finding, "allowed-destination"));
}

TEST_CASE("A name that DNS verified makes no other address known") {
  Bench bench("{}");
  auto moment = egress("192.0.2.1", 443);
  moment.connection->dns_names = {{"pypi.org", "192.0.2.53", true}};
  CHECK(bench.judge(moment));
  moment.connection->destination.ip = "192.0.2.2";
  moment.key = "other";
  CHECK(has(bench.judge(moment), "first-seen-on-host"));
}

TEST_CASE("An allowed connection hides no denied one to the same address") {
  Bench bench(
      "destinations: {allow: [{network: 192.0.2.0/24}], deny: [{domain: '*.evil.example'}]}");
  const auto first = bench.judge(egress("192.0.2.9", 443));
  REQUIRE(first);
  CHECK(has(first, "allowed-destination"));
  const auto second = bench.judge(egress("192.0.2.9", 443, "a.evil.example"));
  REQUIRE(second);
  CHECK(has(second, "denied-destination"));
  CHECK(second->id != first->id);
}

TEST_CASE("A denied destination is HIGH, also when it was seen before; denied beats allowed") {
  Bench bench(
      "destinations:\n"
      "  allow: [{network: 192.0.2.0/24}]\n"
      "  deny: [{network: 192.0.2.7}, {domain: '*.evil.example'}, {port: 25}]\n");
  bench.seen.meet({baseline::Scope::kBuilds, "192.0.2.7 443", 0, {}});
  const auto finding = bench.judge(egress("192.0.2.7", 443));
  CHECK(finding->severity == Severity::kHigh);
  CHECK(has(finding, "denied-destination"));
  CHECK_FALSE(has(finding, "first-seen-on-host"));
  CHECK_FALSE(has(finding, "allowed-destination"));
  CHECK(bench.judge(deploy())->connection);  // it is part of the chain
  // A claim is enough.
  CHECK(has(bench.judge(egress("192.0.2.9", 443, "a.evil.example")), "denied-destination"));
  CHECK(has(bench.judge(egress("192.0.2.11", 443, "a.evil.example.")), "denied-destination"));
  CHECK(has(bench.judge(egress("192.0.2.9", 25)), "denied-destination"));
  CHECK(bench.judge(egress("192.0.2.10", 443))->severity == Severity::kLow);
}

TEST_CASE("A name that is masked is denied by what it is") {
  Bench bench("destinations: {deny: [{domain: '*.evil.example'}]}");
  const std::string name = "glpat-abcdefghij0123456789.evil.example";
  const auto claimed = bench.judge(egress("192.0.2.9", 443, name));
  CHECK(has(claimed, "denied-destination"));
  CHECK(claimed->connection->tls_name == "***");
  auto moment = egress("192.0.2.10", 443);
  moment.connection->dns_names = {{name, "192.0.2.53", true}};
  const auto led = bench.judge(moment);
  CHECK(has(led, "denied-destination"));
  CHECK(led->connection->dns_names.front().name == "***");
}

TEST_CASE("Clients on the list, and those that are not") {
  Bench bench("clients: [{uid: 1000, exe: /usr/bin/docker}, {address: 198.51.100.0/24}]");
  const auto listed = bench.judge(request(local()));
  CHECK(has(listed, "allowed-client"));
  CHECK(listed->severity == Severity::kLow);
  const auto other = bench.judge(request(local(1001)));
  CHECK(has(other, "client-not-allowed"));
  CHECK(other->severity == Severity::kHigh);
  const auto remote = bench.judge(request(far()));
  CHECK(remote->severity == Severity::kLow);
  CHECK(has(remote, "client-remote"));
  CHECK(has(remote, "allowed-client"));
  CHECK(bench.judge(request(far("203.0.113.1")))->severity == Severity::kCritical);

  const auto unknown = bench.judge(request(local(1000, "")));
  CHECK(has(unknown, "client-not-allowed"));
  CHECK(unknown->severity == Severity::kMedium);

  auto inside = far();
  inside.container_id = std::string(64, 'a');
  CHECK(bench.judge(request(inside))->severity == Severity::kMedium);
  Bench named("clients: [{container: aaaaaaaaaaaa}]");
  CHECK(named.judge(request(inside))->severity == Severity::kLow);

  auto deployed = deploy();
  deployed.deployment->container.privileged = false;
  deployed.build->client = far();
  CHECK(bench.judge(deployed)->severity == Severity::kLow);
  deployed.build->client = far("203.0.113.1");
  CHECK(bench.judge(deployed)->severity == Severity::kHigh);

  Moment import;
  import.kind = MomentKind::kImageImport;
  import.import = Import{};
  import.import->client = local(1001);
  import.image = Image{"", {"x:1"}, ""};
  CHECK(has(bench.judge(import), "client-not-allowed"));
}

TEST_CASE("Base images and the list of registries") {
  Bench bench("registries: [docker.io/library, ghcr.io/acme]");
  CHECK_FALSE(
      has(bench.judge(request(local(), {"alpine:3", "ghcr.io/acme/a"})), "registry-not-allowed"));
  const auto other = bench.judge(request(local(), {"alpine:3", "evil/a"}));
  CHECK(has(other, "registry-not-allowed"));
  CHECK(other->severity == Severity::kMedium);
  CHECK(bench.judge(request(local(), std::vector<std::string>(1000, "evil/a")))->reasons.size() ==
        17);
  CHECK(has(bench.judge(request(local(), {})), "registry-unknown"));

  // The default of ARG is told as base image; the request may have given another one.
  auto given = request(local());
  given.build->dockerfile = DockerfileSeen{};
  given.build->dockerfile->instructions = {{"ARG HUB=docker.io", false, false},
                                           {"ARG BASE=$HUB/library/alpine:3", false, false},
                                           {"FROM ${BASE}", false, true}};
  CHECK_FALSE(has(bench.judge(given), "registry-unknown"));
  given.build->request.build_arg_names = {"http_proxy"};
  CHECK_FALSE(has(bench.judge(given), "registry-unknown"));
  given.build->request.build_arg_names = {"HUB"};
  CHECK(has(bench.judge(given), "registry-unknown"));
  CHECK(bench.judge(given)->severity == Severity::kMedium);
  given.build->dockerfile->instructions.back().text =
      "FROM --platform=$BUILDPLATFORM alpine:3 AS a";
  CHECK_FALSE(has(bench.judge(given), "registry-unknown"));
  given.build->dockerfile->instructions.back().text = "FROM alpine:3";
  CHECK_FALSE(has(bench.judge(given), "registry-unknown"));
}

TEST_CASE("What a build takes from images beside its base, and the list of registries") {
  Bench bench("registries: [docker.io/library]");
  const auto told = [&](const std::string& instruction) {
    auto build = request(local(), {"alpine:3"});
    build.build->dockerfile = DockerfileSeen{};
    build.build->dockerfile->instructions = {{"FROM alpine:3 AS a", false, true, "a"},
                                             {instruction, instruction.starts_with("RUN"), false}};
    return has(bench.judge(build), "registry-not-allowed");
  };
  for (const auto* taken :
       {"COPY --from=evil.test/x /p /p", "COPY --chown=0 --from=evil/x:1 /p /p",
        "RUN --mount=type=bind,from=evil.test/x,target=/p sh /p", "RUN --mount=FROM=evil/x sh"}) {
    INFO(taken);
    CHECK(told(taken));
  }
  for (const auto* taken :
       {"COPY --from=a /p /p", "COPY --from=0 /p /p", "COPY --from=docker.io/library/nginx:1 /p /p",
        "RUN --mount=type=cache,target=/c x --from=evil/x", "RUN x --from=evil/x",
        "COPY <<E /x\n--from=evil/x\nE"}) {
    INFO(taken);
    CHECK_FALSE(told(taken));
  }
  auto cut = request(local(), {"alpine:3"});
  cut.build->dockerfile = DockerfileSeen{};
  cut.build->dockerfile->whole = false;
  CHECK(has(bench.judge(cut), "registry-unknown"));
  CHECK(bench.judge(cut)->severity == Severity::kMedium);
}

TEST_CASE("The severity of a rule is set whatever its reasons; a refused request stays INFO") {
  Bench bench(
      "severity: {build-request: medium, build-egress: critical, image-deploy: info}\n"
      "destinations: {allow: [{network: 10.0.0.0/8}]}");
  const auto set = bench.judge(request(far()));
  CHECK(set->severity == Severity::kMedium);
  CHECK(has(set, "severity-set"));
  CHECK(bench.judge(deploy())->severity == Severity::kInfo);
  CHECK(bench.judge(egress("192.0.2.7", 443))->severity == Severity::kCritical);
  CHECK(bench.judge(egress("10.0.0.1", 443))->severity == Severity::kLow);
  auto refused = request(far());
  refused.build->status = BuildStatus::kRefused;
  CHECK(bench.judge(refused)->severity == Severity::kInfo);
}

TEST_CASE("Exceptions lower what they name, tell who answers, and end by the alert's own time") {
  const std::string text =
      "exceptions:\n"
      "  - {owner: ops, reason: mirror, expires: 1970-01-02, rule: build-egress,"
      " client: {uid: 1000}, destination: {network: 192.0.2.0/24}}\n"
      "  - {owner: dev, reason: dind, expires: 1970-01-02, rule: image-deploy, severity: low,"
      " client: {exe: /usr/bin/docker}}\n";
  Bench bench(text);
  const auto excepted = bench.judge(egress("192.0.2.7", 2375));
  CHECK(excepted->severity == Severity::kInfo);
  CHECK(has(excepted, "exception"));
  CHECK(has(excepted, "engine-api"));
  CHECK(excepted->reasons.back().text == "ops answers for it until 1970-01-02: mirror");
  const auto lowered = bench.judge(deploy());
  CHECK(lowered->severity == Severity::kLow);
  CHECK_FALSE(lowered->connection);  // the excepted one is no part of the chain
  CHECK(bench.judge(egress("198.51.100.1", 443))->severity == Severity::kHigh);
  auto other = egress("192.0.2.8", 443);
  other.build->client = local(1001);
  CHECK_FALSE(has(bench.judge(other), "exception"));
  auto nobodys = egress("192.0.2.9", 443);
  nobodys.build.reset();
  CHECK_FALSE(has(bench.judge(nobodys), "exception"));
  CHECK_FALSE(has(bench.judge(request(local())), "exception"));

  auto last = deploy();
  last.time = 2 * kDay - 1;
  CHECK(has(bench.judge(last), "exception"));
  last.time = 2 * kDay;
  CHECK_FALSE(has(bench.judge(last), "exception"));
  Bench later(text, 2 * kDay);  // by the wall clock
  CHECK_FALSE(has(later.judge(deploy()), "exception"));
}

TEST_CASE("A new configuration holds from then on") {
  Bench bench("severity: {build-request: critical}");
  CHECK(bench.judge(request(local()))->severity == Severity::kCritical);
  bench.detector.apply({});
  CHECK(bench.judge(request(local()))->severity == Severity::kLow);
}
