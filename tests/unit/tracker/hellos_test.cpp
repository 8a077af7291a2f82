// The names that QUIC clients ask for, from their datagrams to what is told of a connection.
#include "tracker/hellos.h"

#include <netinet/in.h>

#include <catch2/catch_test_macros.hpp>

#include "harness/dns.h"
#include "harness/hex.h"
#include "harness/quic.h"
#include "harness/quic_datagrams.h"
#include "scene.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using protocol::read_client_hello;
using tracker::Hellos;

namespace {

std::vector<std::string> long_hello(const std::string& host, bool relay = false) {
  return test::quic::datagrams(test::quic::hello(host, 1700, relay));
}

struct Quic : Scene {
  Quic() {
    request(1, 10 * kMs);
    step(1, 100 * kMs, 1, 'a');
  }
  void reach(TimeNs time, const std::string& ip, EgressId egress) {
    see(EgressStarted{time, egress, IPPROTO_UDP, Outcome::kSent, {ip, 443}, process('a', 3001), 7});
  }
  // As the pipeline does it.
  void send(TimeNs time, EgressId egress, const std::string& bytes) {
    if (auto payload = hellos.read({time, egress, bytes})) see(*payload);
  }
  std::size_t told() const { return of(Rule::kBuildEgress).size(); }
  Connection last() const { return *of(Rule::kBuildEgress).back().connection; }
  Hellos hellos;
};

}  // namespace

TEST_CASE("hellos: told as more of one is known, and once whole no more") {
  Hellos hellos;
  const auto datagrams = long_hello("a.kiln.test");
  const auto first = hellos.read({1, 9, datagrams[0]});
  REQUIRE(first);
  CHECK(first->egress == 9);
  CHECK_FALSE(read_client_hello(first->bytes)->whole);
  CHECK_FALSE(hellos.read({2, 9, datagrams[0]}));
  CHECK_FALSE(hellos.read({2, 9, "no packet"}));
  CHECK_FALSE(hellos.read({2, 8, datagrams[1]}));  // of another client
  const auto second = hellos.read({3, 9, datagrams[1]});
  REQUIRE(second);
  CHECK(second->time == 3);
  CHECK(read_client_hello(second->bytes)->whole);
  CHECK(read_client_hello(second->bytes)->server_name == "a.kiln.test");
  CHECK_FALSE(hellos.read({4, 9, datagrams[0]}));
  CHECK(hellos.refused() == 0);
}

TEST_CASE("hellos: clients are forgotten in time, a flood takes no room from others, counted") {
  Hellos hellos;
  const auto datagrams = long_hello("a.kiln.test");
  CHECK(hellos.read({1, 1, datagrams[0]}));
  for (EgressId id = 2; id <= tracker::kMaxHellos + 3; ++id) (void)hellos.read({1, id, "garbage"});
  CHECK(hellos.size() == tracker::kMaxHellos);
  CHECK(hellos.refused() == 3);
  CHECK(hellos.read({1, 1, datagrams[1]}));
  const auto later = 2 + tracker::kHelloWait;
  CHECK(hellos.read({later, 5000, datagrams[0]}));
  CHECK(hellos.size() == 1);
}

TEST_CASE("quic: a step's connection is told with the name of its hello as soon as that is whole") {
  Quic scene;
  scene.reach(200 * kMs, "198.51.100.7", 1);
  const auto first = from_hex(test::quic::kCurlNgtcp2[0]);
  const auto second = from_hex(test::quic::kCurlNgtcp2[1]);
  SECTION("by two sends") {
    scene.send(201 * kMs, 1, first);
    CHECK(scene.told() == 0);
    scene.send(202 * kMs, 1, second);
  }
  SECTION("by one") { scene.send(201 * kMs, 1, first + second); }
  REQUIRE(scene.told() == 1);
  CHECK(scene.last().tls_name == "files.kiln.test");
  CHECK(scene.last().protocol == IPPROTO_UDP);
  CHECK(has_reason(scene.of(Rule::kBuildEgress).back(), "name-unverified"));
  CHECK_FALSE(has_reason(scene.of(Rule::kBuildEgress).back(), "raw-address"));
}

TEST_CASE("quic: what is not whole within a second is told as far as it is known") {
  Quic scene;
  scene.reach(200 * kMs, "198.51.100.7", 1);
  // The name stands in the second part, which is lost.
  scene.send(201 * kMs, 1, long_hello("a.kiln.test")[0]);
  scene.reach(210 * kMs, "198.51.100.8", 2);
  const auto hello = test::quic::hello("b.kiln.test", 0, true);
  scene.send(211 * kMs, 2, test::quic::datagrams(hello.substr(0, hello.size() - 50))[0]);
  scene.pass(1199 * kMs);
  CHECK(scene.told() == 0);
  scene.pass(1300 * kMs);
  REQUIRE(scene.told() == 2);
  CHECK(scene.of(Rule::kBuildEgress)[0].connection->tls_name.empty());
  CHECK(has_reason(scene.of(Rule::kBuildEgress)[0], "raw-address"));
  CHECK(scene.last().tls_name == "b.kiln.test");
}

TEST_CASE("quic: its name is a claim like any other, verified or contradicted by DNS") {
  Quic scene;
  DnsAnswered answer;
  answer.time = 150 * kMs;
  answer.resolver = {"192.0.2.53", 53};
  answer.configured = true;
  answer.net = 7;
  answer.process = scene.process('a', 3000);
  answer.bytes =
      test::dns::message("a.kiln.test", 1, {test::dns::a(test::dns::same(), "198.51.100.7")});
  scene.see(answer);
  answer.bytes =
      test::dns::message("a.kiln.test", 1, {test::dns::a(test::dns::same(), "198.51.100.8")});
  scene.see(answer);
  scene.reach(200 * kMs, "198.51.100.7", 1);
  for (const auto& datagram : long_hello("a.kiln.test")) scene.send(201 * kMs, 1, datagram);
  REQUIRE(scene.told() == 1);
  CHECK(has_reason(scene.of(Rule::kBuildEgress).back(), "name-verified"));
  CHECK(scene.last().dns_name.name == "a.kiln.test");
  scene.reach(300 * kMs, "198.51.100.8", 2);
  for (const auto& datagram : long_hello("evil.test")) scene.send(301 * kMs, 2, datagram);
  REQUIRE(scene.told() == 2);
  CHECK(has_reason(scene.of(Rule::kBuildEgress).back(), "name-differs"));
  scene.reach(400 * kMs, "198.51.100.9", 3);
  for (const auto& datagram : long_hello("relay.test", true)) scene.send(401 * kMs, 3, datagram);
  REQUIRE(scene.told() == 3);
  CHECK(scene.last().tls_relay);
}

TEST_CASE("quic: parts of a hello that come in another order say the same") {
  Hellos hellos;
  const auto datagrams = long_hello("a.kiln.test", true);
  const auto first = hellos.read({1, 1, datagrams[0]});
  const auto second = hellos.read({2, 1, datagrams[1]});
  tracker::Claims forth, back;
  tracker::read_payload(first->bytes, forth);
  tracker::read_payload(second->bytes, forth);
  tracker::read_payload(second->bytes, back);
  tracker::read_payload(first->bytes, back);
  for (const auto& claims : {forth, back}) {
    CHECK(claims.tls_name == "a.kiln.test");
    CHECK(claims.tls_relay);
    CHECK(claims.hello_whole);
  }
}
