// What the baseline says of a build's connection, and learns of it.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>

#include "baseline/memory_store.h"
#include "detect/detector.h"
#include "policy/parse.h"
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

namespace {

constexpr TimeNs kDay = 86'400 * kSecond;

struct Bench {
  explicit Bench(const std::string& text = {}) { test::configure(detector, text); }
  baseline::MemoryStore store;
  detect::Detector detector{"boot", store, kWall};
};

Moment elsewhere(TimeNs time, const std::string& ip, const std::string& tls_name = {}) {
  Moment moment = connect(time, ip, tls_name);
  moment.kind = MomentKind::kHostEgress;
  moment.build.reset();
  moment.step.reset();
  return moment;
}

}  // namespace

TEST_CASE("A name is kept without the dot behind it, whoever writes one") {
  Bench bench;
  REQUIRE(bench.detector.judge(connect(kSecond, "192.0.2.3", "example.org.")));
  CHECK(bench.store.knows(Scope::kBuilds, "192.0.2.3 443 example.org", kWall / kSecond));
  CHECK_FALSE(bench.detector.judge(connect(2 * kSecond, "192.0.2.3", "example.org")));
}

TEST_CASE("A destination may be new to builds and known to the host") {
  Bench bench;
  CHECK_FALSE(bench.detector.judge(elsewhere(kSecond, "192.0.2.1")));
  const auto known = bench.detector.judge(connect(kSecond, "192.0.2.1"));
  REQUIRE(known);
  CHECK(known->connection->first_in_builds);
  CHECK_FALSE(known->connection->first_on_host);
  CHECK(has(*known, "first-seen-in-builds"));
  CHECK_FALSE(has(*known, "first-seen-on-host"));
  CHECK(known->severity == Severity::kHigh);

  const auto fresh = bench.detector.judge(connect(kSecond, "192.0.2.2"));
  REQUIRE(fresh);
  CHECK(fresh->connection->first_on_host);
  CHECK(has(*fresh, "first-seen-on-host"));
  CHECK_FALSE(has(*fresh, "first-seen-in-builds"));
  // A step is of the host, too.
  CHECK(bench.store.knows(Scope::kHost, "192.0.2.2 443", kWall / kSecond));
}

TEST_CASE("What is known to builds is no news to the host, wherever it was learned") {
  Bench bench;
  bench.store.meet({Scope::kBuilds, "169.254.169.254 443", kWall / kSecond, ""});
  const auto found = bench.detector.judge(connect(kSecond, "169.254.169.254"));
  REQUIRE(found);
  CHECK_FALSE(found->connection->first_in_builds);
  CHECK_FALSE(found->connection->first_on_host);
}

TEST_CASE("A claimed name makes nothing known to the host but itself at that address") {
  Bench bench;
  bench.detector.judge(elsewhere(kSecond, "192.0.2.1", "pypi.test"));
  CHECK_FALSE(
      bench.detector.judge(connect(2, "192.0.2.1", "pypi.test"))->connection->first_on_host);
  CHECK(bench.detector.judge(connect(3, "192.0.2.1", "evil.test"))->connection->first_on_host);
  CHECK(bench.detector.judge(connect(4, "192.0.2.2", "pypi.test"))->connection->first_on_host);
  CHECK(bench.detector.judge(connect(5, "192.0.2.1"))->connection->first_on_host);
}

TEST_CASE("One connection that is told of two builds is as new to the second one") {
  Bench bench;
  auto moment = connect(kSecond, "192.0.2.1");
  moment.egress = 7;
  CHECK(bench.detector.judge(moment)->connection->first_on_host);
  moment.key = "other";
  const auto again = bench.detector.judge(moment);
  REQUIRE(again);
  CHECK(again->connection->first_in_builds);
  CHECK(again->connection->first_on_host);
}

TEST_CASE("Destinations are new again after the time that is configured") {
  Bench standard;
  CHECK(standard.detector.judge(connect(0, "192.0.2.1")));
  CHECK_FALSE(standard.detector.judge(connect(30 * kDay, "192.0.2.1")));
  CHECK(standard.detector.judge(connect(61 * kDay, "192.0.2.1")));
  Bench bench("baseline: {expire_after: 2h}");
  CHECK(bench.detector.judge(connect(0, "192.0.2.1")));
  CHECK_FALSE(bench.detector.judge(connect(7200 * kSecond, "192.0.2.1")));
  CHECK(bench.detector.judge(connect(14'401 * kSecond, "192.0.2.1")));
  bench.detector.apply({});  // the standard again
  CHECK_FALSE(bench.detector.judge(connect(kDay, "192.0.2.1")));
}

TEST_CASE("While the baseline learns, what is new is told as INFO, and known from then on") {
  Bench bench("baseline: {learn_for: 7d}\nseverity: {build-egress: high}");
  const auto learned = bench.detector.judge(connect(kSecond, "192.0.2.1"));
  REQUIRE(learned);
  CHECK(learned->severity == Severity::kInfo);
  CHECK(has(*learned, "learning"));
  CHECK(has(*learned, "first-seen-on-host"));
  CHECK_FALSE(bench.detector.judge(connect(kSecond, "192.0.2.1")));
  CHECK(bench.detector.judge(connect(7 * kDay, "192.0.2.2"))->severity == Severity::kInfo);
  const auto later = bench.detector.judge(connect(7 * kDay + kSecond, "192.0.2.3"));
  REQUIRE(later);
  CHECK(later->severity == Severity::kHigh);
  CHECK_FALSE(has(*later, "learning"));
}

TEST_CASE("What is always wrong is not learned away, and learning tells no story") {
  Bench bench("baseline: {learn_for: 7d}\ndestinations: {deny: [{network: 192.0.2.9}]}");
  CHECK(bench.detector.judge(connect(1, "169.254.169.254"))->severity == Severity::kCritical);
  auto engine = connect(1, "192.0.2.3");
  engine.to_engine = true;
  CHECK(bench.detector.judge(engine)->severity == Severity::kCritical);
  const auto denied = bench.detector.judge(connect(1, "192.0.2.9"));
  CHECK(denied->severity == Severity::kCritical);
  CHECK_FALSE(has(*denied, "learning"));

  auto shell = connect(1, "192.0.2.4");
  shell.connection->process.exe = "/bin/bash";
  CHECK(bench.detector.judge(shell)->severity == Severity::kCritical);

  Bench plain("baseline: {learn_for: 7d}");
  plain.detector.judge(connect(1, "192.0.2.1"));
  Moment deploy;
  deploy.kind = MomentKind::kImageDeploy;
  deploy.time = kSecond;
  deploy.build = Build{};
  deploy.build->id = "b1";
  deploy.deployment = Deployment{};
  const auto found = plain.detector.judge(deploy);
  CHECK_FALSE(found->connection);
  CHECK(found->severity == Severity::kLow);
}

TEST_CASE("A clock that stood before the baseline began proves no learning") {
  Bench bench("baseline: {learn_for: 7d}");
  bench.store.meet({Scope::kHost, "a 1", kWall / kSecond + 100, ""});
  CHECK(bench.detector.judge(connect(kSecond, "192.0.2.1"))->severity == Severity::kHigh);
  CHECK(bench.detector.judge(connect(100 * kSecond, "192.0.2.2"))->severity == Severity::kInfo);
  bench.detector.apply(*policy::parse("baseline: {learn_for: 0}", "f"));
  CHECK(bench.detector.judge(connect(100 * kSecond, "192.0.2.3"))->severity == Severity::kHigh);
}

TEST_CASE("A client that was never seen is told where others are known, and once") {
  const auto request = [](TimeNs time, std::uint32_t uid, const std::string& exe,
                          const std::string& inside = {}) {
    Moment moment;
    moment.kind = MomentKind::kBuildRequest;
    moment.time = time;
    moment.build = Build{};
    moment.build->client.process = Process{};
    moment.build->client.process->uid = uid;
    moment.build->client.process->exe = exe;
    moment.build->client.container_id = inside;
    return moment;
  };
  const auto over_tcp = [&](TimeNs time, const std::string& ip) {
    Moment moment = request(time, 0, "");
    moment.build->client.transport = Transport::kTcp;
    moment.build->client.address = {ip, 4000};
    return moment;
  };
  const std::string docker = "/usr/bin/docker";
  Bench bench;
  const auto is_new = [&](const Moment& moment) {
    return has(*bench.detector.judge(moment), "client-new");
  };
  CHECK_FALSE(is_new(request(kSecond, 1000, docker)));  // a fresh baseline knows nobody
  CHECK_FALSE(is_new(request(2 * kSecond, 1001, docker)));
  CHECK_FALSE(is_new(request(2 * kDay, 1000, docker)));
  CHECK_FALSE(is_new(request(2 * kDay, 1001, docker)));
  CHECK(is_new(request(2 * kDay, 1000, "/tmp/docker")));
  CHECK_FALSE(is_new(request(2 * kDay, 1000, "/tmp/docker")));
  CHECK(is_new(request(2 * kDay, 1002, docker)));
  CHECK_FALSE(is_new(request(2 * kDay, 1000, "")));  // nobody to know again
  CHECK(is_new(request(2 * kDay, 1000, docker, std::string(64, 'a'))));
  CHECK_FALSE(is_new(request(2 * kDay, 1000, docker, std::string(64, 'b'))));
  CHECK(is_new(request(2 * kDay, 1000, "/tmp/a docker")));  // any path is somebody
  CHECK_FALSE(is_new(request(2 * kDay, 1000, "/tmp/a docker")));
  CHECK(is_new(request(2 * kDay, 1000, "/tmp/a%20docker")));
  CHECK(is_new(request(2 * kDay, 1000, "/tmp/" + std::string(400, 'x'))));
  CHECK_FALSE(is_new(request(2 * kDay, 1000, "/tmp/" + std::string(400, 'x'))));
  CHECK(is_new(over_tcp(2 * kDay, "192.0.2.1")));
  CHECK_FALSE(is_new(over_tcp(2 * kDay, "192.0.2.1")));
  CHECK(is_new(request(40 * kDay, 1001, docker)));  // not for long
  const auto found = bench.detector.judge(request(41 * kDay, 1003, docker));
  CHECK(found->severity == Severity::kLow);  // alone it raises nothing

  Bench learning("baseline: {learn_for: 7d}");
  CHECK_FALSE(has(*learning.detector.judge(request(kSecond, 1000, docker)), "client-new"));
  CHECK_FALSE(has(*learning.detector.judge(request(6 * kDay, 1001, docker)), "client-new"));
  CHECK(has(*learning.detector.judge(request(8 * kDay, 1002, docker)), "client-new"));
  Bench listed("clients: [{uid: 1002}]");
  listed.detector.judge(request(kSecond, 1000, docker));
  CHECK_FALSE(has(*listed.detector.judge(request(2 * kDay, 1002, docker)), "client-new"));
}

TEST_CASE("A verified name that builds reached speaks for one more of its addresses") {
  Bench bench;
  const auto named = [](TimeNs time, const std::string& ip, const std::string& name, bool verified,
                        const std::string& claim = {}) {
    Moment moment = connect(time, ip, claim);
    moment.connection->dns_names = {{name, "192.0.2.53", verified}};
    return moment;
  };
  CHECK(bench.detector.judge(named(kSecond, "192.0.2.1", "pypi.org", true))->severity ==
        Severity::kHigh);
  const auto again = bench.detector.judge(named(kSecond, "192.0.2.2", "pypi.org", true));
  REQUIRE(again);  // told all the same
  CHECK(has(*again, "known-name"));
  CHECK(has(*again, "first-seen-on-host"));
  CHECK(again->severity == Severity::kLow);
  CHECK(bench.store.knows(Scope::kBuilds, "name 443 pypi.org", kWall / kSecond + 1));
  for (const auto& other :
       {named(kSecond, "192.0.2.3", "pypi.org", false),                 // whoever wrote that
        named(kSecond, "192.0.2.4", "pypi.org", true, "evil.example"),  // asks for another one
        named(kSecond, "192.0.2.5", "pypi.org.evil.example", true)}) {
    const auto found = bench.detector.judge(other);
    CHECK_FALSE(has(*found, "known-name"));
    CHECK(found->severity == Severity::kHigh);
  }
  auto port = named(kSecond, "192.0.2.6", "pypi.org", true);
  port.connection->destination.port = 80;
  CHECK_FALSE(has(*bench.detector.judge(port), "known-name"));
  // One connection that is told of two builds is as new to the second.
  auto shared = named(kSecond, "192.0.2.7", "files.test", true);
  shared.egress = 7;
  CHECK_FALSE(has(*bench.detector.judge(shared), "known-name"));
  shared.key += "/other";
  CHECK_FALSE(has(*bench.detector.judge(shared), "known-name"));
  CHECK_FALSE(has(*bench.detector.judge(named(60 * kDay, "192.0.2.8", "pypi.org", true)),
                  "known-name"));  // not for long
}

TEST_CASE("A name is learned from what is told, not from where it leads otherwise") {
  Bench bench(
      "destinations: {allow: [{network: 10.0.0.0/8}]}\n"
      "exceptions: [{owner: a, reason: b, expires: 2099-01-01, rule: build-egress,"
      " destination: {network: 192.0.2.128/25}}]");
  const auto named = [](const std::string& ip, const std::string& name) {
    auto moment = connect(kSecond, ip);
    moment.connection->destination.port = 22;  // nothing is claimed there
    moment.connection->dns_names = {{name, "192.0.2.53", true}};
    return moment;
  };
  REQUIRE(bench.detector.judge(named("192.0.2.1", "git.test")));
  // To a place that is known, to one that is allowed, to one that somebody answers for.
  CHECK_FALSE(bench.detector.judge(named("192.0.2.1", "evil.test")));
  for (const std::string ip : {"10.0.0.1", "192.0.2.200"})
    CHECK(bench.detector.judge(named(ip, "evil.test"))->severity <= Severity::kLow);
  const auto evil = bench.detector.judge(named("192.0.2.9", "evil.test"));
  CHECK_FALSE(has(*evil, "known-name"));
  CHECK(evil->severity == Severity::kHigh);
  CHECK(has(*bench.detector.judge(named("192.0.2.10", "git.test")), "known-name"));
}

TEST_CASE("A name that is masked is none that could be known at another address") {
  Bench bench;
  const auto named = [](TimeNs time, const std::string& ip, const std::string& name) {
    Moment moment = connect(time, ip);
    moment.connection->dns_names = {{name, "192.0.2.53", true}};
    return moment;
  };
  REQUIRE(bench.detector.judge(named(kSecond, "192.0.2.1", "glpat-abcdefghij0123456789.a.test")));
  const auto other =
      bench.detector.judge(named(kSecond, "192.0.2.2", "glpat-klmnopqrst0123456789.evil.test"));
  REQUIRE(other);
  CHECK(other->connection->dns_name.name == "***");
  CHECK_FALSE(has(*other, "known-name"));
  CHECK(other->severity == Severity::kHigh);
}
