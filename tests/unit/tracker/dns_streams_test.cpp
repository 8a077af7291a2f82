// Answers of resolvers over TCP, put together out of what processes read.
#include "tracker/dns_streams.h"

#include <catch2/catch_test_macros.hpp>

#include "harness/dns.h"

using namespace kilnwatch;
namespace dns = test::dns;

namespace {

constexpr domain::TimeNs kMinute = 60'000'000'000;

domain::DnsBytes bytes(domain::TimeNs time, std::uint64_t stream, std::string text,
                       std::uint32_t more = 0) {
  domain::DnsBytes out;
  out.time = time;
  out.stream = stream;
  out.resolver = {"127.0.0.11", 53};
  out.net = 7;
  out.process.pid = 100;
  out.length = static_cast<std::uint32_t>(text.size()) + more;
  out.bytes = std::move(text);
  return out;
}

const std::string kAnswer = dns::message("kiln.test", 1, {dns::a(dns::same(), "192.0.2.7")});

}  // namespace

TEST_CASE("An answer is whole whatever the pieces that it was read in, and says whose it is") {
  const std::string stream = dns::sized(kAnswer, 2);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    tracker::DnsStreams streams;
    auto found = streams.read(bytes(5, 1, stream.substr(0, cut)));
    CHECK(streams.read(bytes(6, 2, stream.substr(0, cut / 2))).empty());  // another connection
    const auto rest = streams.read(bytes(7, 1, stream.substr(cut)));
    found.insert(found.end(), rest.begin(), rest.end());
    REQUIRE(found.size() == 1);
    CHECK(found[0].bytes == kAnswer);
    CHECK(found[0].stream);
    CHECK_FALSE(found[0].configured);
    CHECK(found[0].resolver == domain::Endpoint{"127.0.0.11", 53});
    CHECK(found[0].net == 7);
    CHECK(found[0].process.pid == 100);
    CHECK(streams.refused() == 0);
  }
}

TEST_CASE("Of an answer that did not cross whole its first part is told") {
  tracker::DnsStreams streams;
  const std::string stream = dns::sized(kAnswer + std::string(600, 'x'), 2);
  const auto found = streams.read(bytes(5, 1, stream.substr(0, 512), 102));
  CHECK(found.empty());
  const auto rest = streams.read(bytes(6, 1, stream.substr(614)));
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].bytes == stream.substr(2, 510));
}

TEST_CASE("A connection of which the length of an answer did not cross is given up, and counted") {
  tracker::DnsStreams streams;
  const std::string stream = dns::sized(kAnswer, 2);
  // Two answers in one read, of which the beginning crosses.
  CHECK(streams.read(bytes(5, 1, stream.substr(0, 20), 100)).size() == 1);
  CHECK(streams.refused() == 1);
  CHECK(streams.read(bytes(6, 1, stream)).empty());
  CHECK(streams.refused() == 1);
}

TEST_CASE("A connection's number that comes again begins anew after a minute") {
  tracker::DnsStreams streams;
  CHECK(streams.read(bytes(1, 1, "\x01")).empty());
  CHECK(streams.read(bytes(2 + kMinute, 1, dns::sized(kAnswer, 2))).size() == 1);
}

TEST_CASE("Of too many connections the idlest is given up, counted where it was at work") {
  tracker::DnsStreams streams;
  CHECK(streams.read(bytes(1, 0, "\x01")).empty());
  for (std::uint64_t i = 1; i < tracker::kMaxDnsStreams; ++i)
    CHECK(streams.read(bytes(2 + kMinute, i, "\x01")).empty());
  CHECK(streams.read(bytes(3 + kMinute, 1000, "\x01")).empty());
  CHECK(streams.refused() == 0);
  CHECK(streams.read(bytes(4 + kMinute, 1001, "\x01")).empty());
  CHECK(streams.refused() == 1);
}
