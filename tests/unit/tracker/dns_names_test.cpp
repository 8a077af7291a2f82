// Names that DNS gave to destinations: whose they are, how long they hold, which are believed.
#include "tracker/dns_names.h"

#include <catch2/catch_test_macros.hpp>

#include "harness/dns.h"
#include "scene.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using tracker::DnsNames;

namespace {

constexpr TimeNs kHour = 3'600'000'000'000;
constexpr std::uint32_t kNet = 4026532001;

DnsAnswered answered(TimeNs time, const std::string& name, const std::string& ip) {
  DnsAnswered event;
  event.time = time;
  event.resolver = {"192.0.2.53", 53};
  event.configured = true;
  event.net = kNet;
  event.bytes = dns::message(name, 1, {dns::a(dns::same(), ip)});
  return event;
}

std::vector<std::string> texts(const std::vector<DnsName>& names) {
  std::vector<std::string> out;
  for (const auto& name : names) out.push_back(name.name + (name.verified ? "" : "?"));
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("names: of one container, in one network namespace, from the answer on") {
  DnsNames names;
  names.note("c1", answered(5, "kiln.test", "198.51.100.7"));
  const auto found = names.of("c1", kNet, "198.51.100.7", 5, {});
  REQUIRE(found.size() == 1);
  CHECK(found[0] == DnsName{"kiln.test", "192.0.2.53", true});
  CHECK(names.of("c1", kNet, "198.51.100.7", 4, {}).empty());
  CHECK(names.of("c1", kNet, "198.51.100.8", 5, {}).empty());
  CHECK(names.of("c1", kNet + 1, "198.51.100.7", 5, {}).empty());
  CHECK(names.of("c2", kNet, "198.51.100.7", 5, {}).empty());
  CHECK_FALSE(names.of("c1", kNet, "198.51.100.7", 5 + kHour, {}).empty());
  CHECK(names.of("c1", kNet, "198.51.100.7", 6 + kHour, {}).empty());
  names.forget("c1");
  CHECK(names.size() == 0);
  CHECK(names.of("c1", kNet, "198.51.100.7", 5, {}).empty());
}

TEST_CASE("names: an answer is believed where the process could not have sent it itself") {
  const auto is_verified = [](auto change) {
    auto event = answered(1, "kiln.test", "198.51.100.7");
    change(event);
    DnsNames names;
    names.note("c", event);
    const auto found = names.of("c", event.net, "198.51.100.7", 1, {});
    REQUIRE(found.size() == 1);
    return found[0].verified;
  };
  CHECK(is_verified([](auto&) {}));
  CHECK_FALSE(is_verified([](auto& event) { event.configured = false; }));
  CHECK_FALSE(is_verified([](auto& event) { event.loopback = true; }));
  CHECK_FALSE(is_verified([](auto& event) { event.raw = true; }));
  CHECK_FALSE(is_verified([](auto& event) { event.net = 0; }));
  CHECK_FALSE(is_verified([](auto& event) { event.stream = true; }));
}

TEST_CASE("names: the believed first, the latest of them first; told again it holds longer") {
  DnsNames names;
  auto claim = answered(9, "claim.test", "198.51.100.7");
  claim.configured = false;
  names.note("c", answered(1, "b.test", "198.51.100.7"));
  names.note("c", answered(2, "a.test", "198.51.100.7"));
  names.note("c", claim);
  CHECK(texts(names.of("c", kNet, "198.51.100.7", 10, {})) ==
        Texts{"a.test", "b.test", "claim.test?"});
  names.note("c", answered(kHour, "b.test", "198.51.100.7"));
  CHECK(texts(names.of("c", kNet, "198.51.100.7", 10, {}))[0] ==
        "b.test");  // it began to hold at 1
  CHECK(texts(names.of("c", kNet, "198.51.100.7", 2 * kHour, {})) == Texts{"b.test"});
  CHECK(names.size() == 3);
}

TEST_CASE("names: a flood pushes out the container's own, what is over makes room, all counted") {
  DnsNames names;
  names.note("quiet", answered(1, "kiln.test", "198.51.100.7"));
  for (std::size_t i = 0; i < tracker::kMaxNamesOfOne + 5; ++i)
    names.note("loud", answered(2, "n" + std::to_string(i) + ".test", "198.51.100.8"));
  CHECK(names.size() == tracker::kMaxNamesOfOne + 1);
  CHECK(names.refused() == 5);
  CHECK(names.of("loud", kNet, "198.51.100.8", 2, {}).size() == tracker::kMaxNamesOfAddress);
  CHECK_FALSE(names.of("quiet", kNet, "198.51.100.7", 2, {}).empty());
  for (int c = 0; names.size() < tracker::kMaxNames; ++c) {
    for (int i = 0; i < 200 && names.size() < tracker::kMaxNames; ++i)
      names.note("c" + std::to_string(c), answered(3, "n" + std::to_string(i) + ".t", "192.0.2.1"));
  }
  names.note("late", answered(4, "late.test", "198.51.100.9"));
  CHECK(names.refused() == 6);
  CHECK(names.of("late", kNet, "198.51.100.9", 4, {}).empty());
  names.note("late", answered(2 * kHour, "late.test", "198.51.100.9"));
  CHECK(names.size() == 1);
}

TEST_CASE("names: no answer, and one of nothing, is none") {
  DnsNames names;
  auto garbage = answered(1, "kiln.test", "198.51.100.7");
  garbage.bytes = "garbage";
  names.note("c", garbage);
  auto cut = answered(1, "kiln.test", "198.51.100.7");
  for (std::size_t size = 0; size < cut.bytes.size(); ++size) {
    auto part = cut;
    part.bytes.resize(size);
    names.note("c", part);
  }
  CHECK(names.size() == 0);
}

namespace {

struct Named : Scene {
  // A process of the container gets an answer, and another one of it connects.
  void hear(TimeNs time, char id, DnsAnswered event) {
    event.time = time;
    event.process = process(id, 3000);
    see(event);
  }
  void reach(TimeNs time, char id, const std::string& ip, EgressId egress,
             const std::string& payload = {}, std::uint32_t net = kNet) {
    EgressStarted started{time, egress, 6, Outcome::kPending, {ip, 443}, process(id, 3001)};
    started.net = net;
    see(started);
    if (!payload.empty()) see(EgressPayload{time + kMs, egress, payload});
    pass(time + 2000 * kMs);
  }
  Finding last() const { return of(Rule::kBuildEgress).back(); }
};

std::string http(const std::string& host) { return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"; }

}  // namespace

TEST_CASE("names: a step's connection is told by the name that led there") {
  Named scene;
  scene.request(1, 10 * kMs);
  scene.step(1, 100 * kMs, 1, 'a');
  scene.hear(200 * kMs, 'a', answered(0, "kiln.test", "198.51.100.7"));
  scene.reach(300 * kMs, 'a', "198.51.100.7", 1);
  const auto told = scene.last();
  CHECK(told.connection->dns_name == DnsName{"kiln.test", "192.0.2.53", true});
  CHECK(has_reason(told, "name-verified"));
  CHECK_FALSE(has_reason(told, "raw-address"));
  CHECK_FALSE(has_reason(told, "name-unverified"));

  scene.reach(3000 * kMs, 'a', "198.51.100.8", 2);  // of which nobody said anything
  CHECK(has_reason(scene.last(), "raw-address"));
  scene.hear(6000 * kMs, 'a', answered(0, "late.test", "198.51.100.9"));
  scene.reach(6000 * kMs - 1, 'a', "198.51.100.9", 3);  // before the answer
  CHECK(has_reason(scene.last(), "raw-address"));
  scene.hear(9000 * kMs, 'a', answered(0, "inner.test", "198.51.100.10"));
  scene.reach(9001 * kMs, 'a', "198.51.100.10", 4, {}, kNet + 1);  // another namespace
  CHECK(has_reason(scene.last(), "raw-address"));
}

TEST_CASE("names: what the process asks for agrees with DNS, or does not") {
  Named scene;
  scene.request(1, 10 * kMs);
  scene.step(1, 100 * kMs, 1, 'a');
  scene.hear(200 * kMs, 'a', answered(0, "a.test", "198.51.100.7"));
  scene.hear(201 * kMs, 'a', answered(0, "b.test", "198.51.100.7"));
  scene.reach(300 * kMs, 'a', "198.51.100.7", 1, http("A.test."));
  CHECK(scene.last().connection->dns_name.name == "a.test");
  CHECK(has_reason(scene.last(), "name-verified"));
  CHECK_FALSE(has_reason(scene.last(), "name-unverified"));

  scene.hear(3000 * kMs, 'a', answered(0, "a.test", "198.51.100.8"));
  scene.reach(3001 * kMs, 'a', "198.51.100.8", 2, http("evil.test"));
  CHECK(scene.last().connection->dns_name.name == "a.test");
  CHECK(has_reason(scene.last(), "name-differs"));
  CHECK(has_reason(scene.last(), "name-unverified"));

  auto own = answered(0, "a.test", "198.51.100.9");
  own.configured = false;
  scene.hear(6000 * kMs, 'a', own);
  scene.reach(6001 * kMs, 'a', "198.51.100.9", 3);
  CHECK(scene.last().connection->dns_name.name == "a.test");
  CHECK_FALSE(scene.last().connection->dns_name.verified);
  CHECK(has_reason(scene.last(), "name-unverified"));
  CHECK_FALSE(has_reason(scene.last(), "raw-address"));
}

TEST_CASE("names: none is believed where a client chose the network or the step has no sandbox") {
  const auto verified = [](const std::string& mode, std::vector<std::string> entitlements) {
    Named scene;
    auto build = scene.request(1, 10 * kMs, false, false);
    build.network_mode = mode;
    build.entitlements = std::move(entitlements);
    scene.learn(build);
    scene.step(1, 100 * kMs, 1, 'a');
    scene.hear(200 * kMs, 'a', answered(0, "a.test", "198.51.100.7"));
    scene.reach(300 * kMs, 'a', "198.51.100.7", 1);
    CHECK(scene.last().connection->dns_name.name == "a.test");
    return scene.last().connection->dns_name.verified;
  };
  for (const auto* mode : {"", "default", "bridge"}) CHECK(verified(mode, {}));
  for (const auto* mode : {"mine", "container:abc", "none", "host"})
    CHECK_FALSE(verified(mode, {}));
  CHECK_FALSE(verified("", {"network.host"}));
  CHECK_FALSE(verified("", {"security.insecure"}));
}

TEST_CASE("names: an answer counts for its container only, and makes no other build's known") {
  Named scene;
  scene.request(1, 10 * kMs);
  scene.step(1, 100 * kMs, 1, 'a');
  scene.hear(200 * kMs, 'a', answered(0, "a.test", "198.51.100.7"));
  scene.exit(300 * kMs, 'a');
  scene.step(1, 400 * kMs, 2, 'b');
  scene.reach(500 * kMs, 'b', "198.51.100.7", 1);
  CHECK(has_reason(scene.last(), "raw-address"));
}

TEST_CASE("names: what containers that are no steps hear takes no room") {
  const auto refused = [](bool build) {
    Named scene;
    if (build) scene.request(1, 10 * kMs);
    scene.created(20 * kMs, 's', "service:1");
    scene.start(30 * kMs, 's');
    for (std::size_t i = 0; i < tracker::kMaxNamesOfOne + 9; ++i)
      scene.hear(40 * kMs, 's', answered(0, "n" + std::to_string(i) + ".test", "198.51.100.8"));
    return scene.tracker().counters().names_refused;
  };
  CHECK(refused(false) == 0);
  CHECK(refused(true) == 0);
}
