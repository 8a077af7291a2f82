// What the host heard, and how it makes a step's own answer true.
#include "tracker/heard_names.h"

#include <catch2/catch_test_macros.hpp>

#include "buildkit_scene.h"
#include "harness/dns.h"
#include "scene.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using tracker::HeardNames;

namespace {

constexpr TimeNs kSecond = 1000 * kMs;
constexpr TimeNs kHour = 3600 * kSecond;
constexpr std::uint32_t kNet = 4026532001;

DnsAnswered answer(TimeNs time, const std::string& name, const std::string& ip,
                   unsigned ttl = 300) {
  DnsAnswered event;
  event.time = time;
  event.bytes = dns::message(name, 1, {dns::a(dns::same(), ip, ttl)});
  return event;
}

// To nobody that is known.
DnsAnswered heard(TimeNs time, const std::string& name, const std::string& ip) {
  auto event = answer(time, name, ip);
  event.resolver = {"192.0.2.53", 53};
  event.net = 4026531840;
  event.configured = event.heard = true;
  return event;
}

struct Place : Scene {
  explicit Place(const std::string& mode = "mine", std::vector<std::string> entitlements = {}) {
    build(1, mode, std::move(entitlements));
    step(1, 100 * kMs, 1, 'a');
  }
  void build(ConnId conn, const std::string& mode, std::vector<std::string> entitlements = {}) {
    auto request = this->request(conn, 10 * kMs, false, false);
    request.network_mode = mode;
    request.entitlements = std::move(entitlements);
    learn(request);
  }
  // docker's own resolver tells the step, or something in its place.
  DnsAnswered told(TimeNs time, const std::string& name, const std::string& ip) {
    auto event = answer(time, name, ip);
    event.resolver = {"127.0.0.11", 53};
    event.loopback = true;
    event.net = kNet;
    event.process = process('a', 3000);
    return event;
  }
  // What came from the host's resolver, as the packet says.
  DnsAnswered straight(TimeNs time, const std::string& name, const std::string& ip) {
    auto event = told(time, name, ip);
    event.resolver = {"192.0.2.53", 53};
    event.loopback = false;
    event.configured = true;
    return event;
  }
  DnsName reach(TimeNs time, const std::string& ip) {
    EgressStarted started{time, ++last_, 6, Outcome::kPending, {ip, 443}, process('a', 3001)};
    started.net = kNet;
    see(started);
    pass(time + 2 * kSecond);
    return of(Rule::kBuildEgress).back().connection->dns_name;
  }

 private:
  EgressId last_ = 0;
};

}  // namespace

TEST_CASE("heard: for as long as a forwarder may give it again") {
  const auto until = [](unsigned ttl) {
    HeardNames names;
    names.note(answer(kSecond, "kiln.test", "198.51.100.7", ttl));
    CHECK(names.holds("kiln.test", "198.51.100.7", kSecond, kSecond));
    CHECK(
        names.holds("kiln.test", "198.51.100.7", kSecond - 1, kSecond - 1));  // another CPU's clock
    CHECK_FALSE(names.holds("kiln.test", "198.51.100.7", 0, kSecond / 2));
    CHECK_FALSE(names.holds("kiln.test", "198.51.100.8", kSecond, kSecond));
    CHECK_FALSE(names.holds("other.test", "198.51.100.7", kSecond, kSecond));
    TimeNs at = kSecond;
    while (names.holds("kiln.test", "198.51.100.7", at, at)) at += kSecond;
    return at / kSecond - 2;
  };
  CHECK(until(0) == 60);
  CHECK(until(300) == 300);
  CHECK(until(1'000'000) == 3600);
}

TEST_CASE("heard: of the question's name, by aliases, and nothing of another one") {
  HeardNames names;
  auto event = answer(1, "", "");
  event.bytes = dns::message("shop.test", 1,
                             {dns::record(dns::same(), 5, dns::name("edge.test")),
                              dns::a(dns::name("edge.test"), "198.51.100.7"),
                              dns::a(dns::name("pypi.test"), "198.51.100.66")});
  names.note(event);
  CHECK(names.holds("shop.test", "198.51.100.7", 1, 1));
  CHECK_FALSE(names.holds("edge.test", "198.51.100.7", 1, 1));
  CHECK_FALSE(names.holds("pypi.test", "198.51.100.66", 1, 1));
  CHECK_FALSE(names.holds("shop.test", "198.51.100.66", 1, 1));
}

TEST_CASE("heard: again, in any order, it held in between; long after, anew") {
  HeardNames names;
  names.note(answer(2 * kHour, "kiln.test", "198.51.100.7"));
  names.note(answer(2 * kHour - kSecond, "kiln.test", "198.51.100.7"));
  names.note(answer(3 * kHour, "kiln.test", "198.51.100.7"));
  CHECK(names.size() == 1);
  CHECK(names.holds("kiln.test", "198.51.100.7", 2 * kHour - kSecond, 2 * kHour - kSecond));
  CHECK(names.holds("kiln.test", "198.51.100.7", 2 * kHour + kHour / 2, 2 * kHour + kHour / 2));
  names.note(answer(9 * kHour, "kiln.test", "198.51.100.7"));
  CHECK_FALSE(names.holds("kiln.test", "198.51.100.7", 3 * kHour, 3 * kHour));
}

TEST_CASE("heard: what was heard longest ago makes room, counted") {
  HeardNames names;
  names.note(answer(1, "first.test", "198.51.100.7"));
  names.note(answer(1, "kept.test", "198.51.100.7"));
  for (std::size_t i = 2; i < tracker::kMaxHeard; ++i)
    names.note(answer(2, "n" + std::to_string(i) + ".test", "198.51.100.8"));
  CHECK(names.refused() == 0);
  names.note(answer(3, "kept.test", "198.51.100.7"));
  names.note(answer(3, "late.test", "198.51.100.7"));
  CHECK(names.refused() == 1);
  CHECK(names.size() == tracker::kMaxHeard);
  CHECK_FALSE(names.holds("first.test", "198.51.100.7", 1, 1));
  CHECK(names.holds("kept.test", "198.51.100.7", 3, 3));
  CHECK(names.holds("late.test", "198.51.100.7", 3, 3));
  auto garbage = answer(4, "kiln.test", "198.51.100.7");
  garbage.bytes = "garbage";
  names.note(garbage);
  CHECK(names.size() == tracker::kMaxHeard);
}

TEST_CASE("heard: what docker's own resolver tells a step is true where the host heard it") {
  Place scene;
  scene.see(heard(190 * kMs, "kiln.test", "198.51.100.7"));
  scene.see(scene.told(200 * kMs, "kiln.test", "198.51.100.7"));
  CHECK(scene.reach(300 * kMs, "198.51.100.7") == DnsName{"kiln.test", "127.0.0.11", true, true});
  const auto finding = scene.of(Rule::kBuildEgress).back();
  CHECK(has_reason(finding, "name-verified"));
  CHECK_FALSE(has_reason(finding, "name-unverified"));
  CHECK_FALSE(has_reason(finding, "raw-address"));
}

TEST_CASE("heard: what the step says in the resolver's place stays a claim") {
  Place scene;
  scene.see(heard(190 * kMs, "kiln.test", "198.51.100.7"));
  scene.see(
      heard(190 * kMs, "evil.test", "198.51.100.66"));  // its own server said so, and it is so
  scene.see(scene.told(200 * kMs, "kiln.test", "198.51.100.66"));
  CHECK(scene.reach(300 * kMs, "198.51.100.66") == DnsName{"kiln.test", "127.0.0.11", false});
  scene.see(scene.told(4 * kSecond, "early.test", "198.51.100.8"));
  CHECK_FALSE(scene.reach(5 * kSecond, "198.51.100.8").verified);
  scene.see(heard(8 * kSecond, "early.test", "198.51.100.8"));
  CHECK_FALSE(scene.reach(9 * kSecond, "198.51.100.8").verified);  // it was told before
}

TEST_CASE("heard: a name that the host heard and the step did not is none of its connection") {
  Place scene;
  scene.see(heard(190 * kMs, "kiln.test", "198.51.100.7"));
  CHECK(scene.reach(300 * kMs, "198.51.100.7").name.empty());
}

TEST_CASE("heard: neither the order of records of one moment nor the step's own sockets matter") {
  Place scene;
  auto claim = scene.told(200 * kMs, "kiln.test", "198.51.100.7");
  claim.raw = true;
  claim.resolver = {"10.0.2.3", 53};
  scene.see(claim);
  scene.see(heard(190 * kMs, "kiln.test", "198.51.100.7"));
  CHECK(scene.reach(300 * kMs, "198.51.100.7").verified);
}

TEST_CASE("heard: by an engine or a container for others, as by nobody") {
  Place scene;
  auto event = heard(190 * kMs, "kiln.test", "198.51.100.7");
  event.process.pid = 50;
  event.process.comm = "dockerd";
  event.process.cgroup = {90, "system.slice/docker.service"};
  scene.see(event);
  event = heard(191 * kMs, "other.test", "198.51.100.8");
  event.process = scene.process('s');
  scene.see(event);
  scene.see(scene.told(200 * kMs, "kiln.test", "198.51.100.7"));
  scene.see(scene.told(201 * kMs, "other.test", "198.51.100.8"));
  CHECK(scene.reach(300 * kMs, "198.51.100.7").verified);
  CHECK(scene.reach(3 * kSecond, "198.51.100.8").verified);
}

TEST_CASE("heard: nothing while a step has the host's network, and nothing by one unconfined") {
  const auto verified = [](const std::string& other, std::vector<std::string> entitlements) {
    Place scene;
    scene.build(2, other, std::move(entitlements));
    scene.see(heard(190 * kMs, "kiln.test", "198.51.100.7"));
    scene.see(scene.told(200 * kMs, "kiln.test", "198.51.100.7"));
    return scene.reach(300 * kMs, "198.51.100.7").verified;
  };
  for (const auto* mode : {"", "default", "bridge", "none", "mine"}) CHECK(verified(mode, {}));
  CHECK_FALSE(verified("host", {}));
  CHECK_FALSE(verified("", {"network.host"}));
  CHECK_FALSE(verified("", {"security.insecure"}));

  Place by_flag;  // buildah gives a RUN the host's network by a flag of its own
  by_flag.build(2, "");
  by_flag.dockerfile(2, 20 * kMs, {"FROM a", "RUN --network=host make"});
  by_flag.see(heard(190 * kMs, "kiln.test", "198.51.100.7"));
  by_flag.see(by_flag.told(200 * kMs, "kiln.test", "198.51.100.7"));
  CHECK_FALSE(by_flag.reach(300 * kMs, "198.51.100.7").verified);

  Place scene("", {"security.insecure"});
  scene.see(heard(5 * kMs, "kiln.test", "198.51.100.7"));
  scene.see(scene.told(200 * kMs, "kiln.test", "198.51.100.7"));
  CHECK_FALSE(scene.reach(300 * kMs, "198.51.100.7").verified);
}

TEST_CASE("heard: where the host hears, nothing is true that a step alone was told") {
  Place scene("");
  scene.see(scene.straight(190 * kMs, "before.test", "198.51.100.66"));
  CHECK(scene.reach(200 * kMs, "198.51.100.66").verified);  // what the host hears is not known yet
  scene.see(heard(3 * kSecond, "other.test", "198.51.100.7"));
  // Another stage on the same bridge says so under the resolver's address.
  scene.see(scene.straight(3100 * kMs, "pypi.test", "198.51.100.67"));
  CHECK(scene.reach(3200 * kMs, "198.51.100.67") == DnsName{"pypi.test", "192.0.2.53", false});
  CHECK(has_reason(scene.of(Rule::kBuildEgress).back(), "name-unverified"));
  auto second = scene.straight(5300 * kMs, "pypi.test", "198.51.100.69");
  second.resolver.ip = "192.0.2.54";  // that nobody asks
  scene.see(second);
  CHECK_FALSE(scene.reach(5400 * kMs, "198.51.100.69").verified);
  scene.see(heard(8 * kSecond, "true.test", "198.51.100.68"));
  scene.see(scene.straight(8 * kSecond + 1, "true.test", "198.51.100.68"));
  CHECK(scene.reach(8100 * kMs, "198.51.100.68") == DnsName{"true.test", "192.0.2.53", true, true});
}

TEST_CASE("heard: nothing while a step of BuildKit turns out to be on the host's network") {
  const auto verified = [](std::uint32_t net, bool over) {
    BuildKitScene scene;
    scene.request(1, 10 * kMs);
    scene.vertex(1, 90 * kMs, '1', "RUN ask", 80 * kMs);
    scene.run_step(100 * kMs, 'a', "ask");
    scene.see(heard(110 * kMs, "first.test", "198.51.100.6"));
    const auto connect = [&](TimeNs time, EgressId id, char step, const std::string& ip) {
      auto started =
          EgressStarted{time, id, 6, Outcome::kPending, {ip, 443}, scene.step_process(step, 3001)};
      started.net = net;
      scene.see(started);
    };
    connect(120 * kMs, 1, 'a', "203.0.113.1");
    if (over) scene.exit(121 * kMs, 'a');
    if (over) scene.pass(10 * kSecond);
    scene.see(heard(10 * kSecond, "kiln.test", "198.51.100.7"));
    scene.request(2, 10 * kSecond + 1);
    scene.vertex(2, 10 * kSecond + 2, '2', "RUN get", 10 * kSecond + 2);
    scene.run_step(10 * kSecond + kMs, 'b', "get");
    auto told = answer(10 * kSecond + 2 * kMs, "kiln.test", "198.51.100.7");
    told.resolver = {"127.0.0.11", 53};
    told.loopback = true;
    told.net = kNet;
    told.process = scene.step_process('b', 3002);
    scene.see(told);
    auto started =
        EgressStarted{10 * kSecond + 3 * kMs,       2, 6, Outcome::kPending, {"198.51.100.7", 443},
                      scene.step_process('b', 3002)};
    started.net = kNet;
    scene.see(started);
    scene.pass(13 * kSecond);
    const auto last = scene.of(Rule::kBuildEgress).back();
    CHECK(last.connection->dns_name.name == "kiln.test");
    return last.connection->dns_name.verified;
  };
  CHECK(verified(kNet, false));
  CHECK_FALSE(verified(4026531840, false));
  CHECK(verified(4026531840, true));
}
