// Heads of requests and hellos that are sent in pieces.
#include "tracker/heads.h"

#include <catch2/catch_test_macros.hpp>
#include <random>
#include <string>
#include <vector>

#include "harness/tls.h"
#include "protocol/http1/first_request.h"
#include "protocol/tls/client_hello.h"
#include "scene.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using tracker::Heads;

namespace {

const std::string kRequest =
    "GET /p HTTP/1.1\r\nAccept: */*\r\nHost: a.kiln.test\r\nAuthorization: x\r\n\r\n";

// What is told at last of a text sent in pieces that end there.
domain::EgressPayload last_of(const std::string& text, std::vector<std::size_t> ends) {
  Heads heads;
  ends.push_back(text.size());
  domain::EgressPayload last;
  std::size_t from = 0;
  for (const std::size_t end : ends) {
    const bool first = from == 0;
    if (auto told = heads.read({end, 1, text.substr(from, end - from), first, true}))
      last = std::move(*told);
    from = end;
  }
  CHECK(heads.refused() == 0);
  return last;
}

}  // namespace

TEST_CASE("heads: what is whole is told at once, and what follows is no part of it") {
  Heads heads;
  const auto told = heads.read({1, 7, kRequest});
  REQUIRE(told);
  CHECK(told->bytes == kRequest);
  CHECK_FALSE(told->more);
  CHECK_FALSE(heads.read({2, 7, "the body", false}));
  CHECK_FALSE(heads.read({2, 8, "of nobody", false}));
  for (const std::string other : {"SSH-2.0-x\r\n", "\x15\x03\x01", "", "get / HTTP/1.1\r\n",
                                  "POST / HTTP/1.1\r\n\r\nand a body", "ABCDEFGHIJKLM"})
    CHECK_FALSE(heads.read({3, 9, other})->more);
  CHECK(heads.size() == 0);
}

TEST_CASE("heads: a request and a hello cut in two anywhere, and in three") {
  for (std::size_t at = 1; at < kRequest.size(); ++at) {
    INFO(at);
    const auto told = last_of(kRequest, {at});
    CHECK(protocol::read_first_request(told.bytes)->host == "a.kiln.test");
    CHECK_FALSE(told.more);
  }
  const std::string hello = test::tls::hello("b.kiln.test");
  for (std::size_t at = 1; at < hello.size(); ++at) {
    INFO(at);
    const auto told = last_of(hello, {at});
    CHECK(told.bytes == hello);
    CHECK(protocol::read_client_hello(told.bytes)->server_name == "b.kiln.test");
    CHECK_FALSE(told.more);
  }
  std::mt19937 random(7);
  for (int n = 0; n < 200; ++n) {
    const std::string& text = n % 2 == 0 ? kRequest : hello;
    std::vector<std::size_t> ends = {1 + random() % (text.size() - 2)};
    ends.push_back(ends[0] + 1 + random() % (text.size() - ends[0] - 1));
    const auto told = last_of(text, ends);
    CHECK_FALSE(told.more);
    if (n % 2 == 0)
      CHECK(protocol::read_first_request(told.bytes)->host == "a.kiln.test");
    else
      CHECK(protocol::read_client_hello(told.bytes)->server_name == "b.kiln.test");
  }
}

TEST_CASE("heads: the part of a send that was not handed over ends it") {
  Heads heads;
  CHECK_FALSE(heads.read({1, 7, "GET / HTTP/1.1\r\n", true, false})->more);
  CHECK(heads.read({1, 8, "GET / HTTP/1.1\r\n", true, true})->more);
  CHECK_FALSE(heads.read({2, 8, "Accept: */*\r\n", false, false})->more);
  CHECK_FALSE(heads.read({3, 8, "Host: a\r\n", false, true}));
}

TEST_CASE("heads: only so many wait, only so long, and only so much of each") {
  Heads heads;
  for (domain::EgressId id = 0; id < tracker::kMaxHeads; ++id)
    CHECK(heads.read({1, id, "GET / HTTP/1.1\r\n"})->more);
  CHECK_FALSE(heads.read({1, 9999, "GET / HTTP/1.1\r\n"})->more);
  CHECK(heads.refused() == 1);
  const std::string field(tracker::kMaxHeadBytes, 'a');
  CHECK_FALSE(heads.read({2, 5, field, false}));
  CHECK(heads.refused() == 2);
  CHECK(heads.read({2 + tracker::kHeadWait, 9999, "GET / HTTP/1.1\r\n"})->more);
  CHECK(heads.size() == 1);
  // One that is over makes room.
  Heads others;
  for (domain::EgressId id = 0; id < 2 * tracker::kMaxHeads; ++id) {
    CHECK(others.read({1, id, "GET / HTTP/1.1\r\n"})->more);
    CHECK_FALSE(others.read({1, id, "Host: a\r\n", false})->more);
  }
  CHECK(others.refused() == 0);
}

TEST_CASE("A connection is told when all of its head is there, or nothing more comes") {
  Scene scene;
  scene.request(1, 10 * kMs);
  scene.step(1, 100 * kMs, 1, 'a');
  Heads heads;
  const auto send = [&](TimeNs time, EgressId id, const std::string& bytes, bool first) {
    if (auto payload = heads.read({time, id, bytes, first})) scene.see(*payload);
  };
  const auto told = [&] { return scene.of(Rule::kBuildEgress).size(); };
  scene.see(EgressStarted{
      200 * kMs, 1, 6, Outcome::kPending, {"192.0.2.1", 80}, scene.process('a', 3001), 7});
  send(210 * kMs, 1, "GET / HTTP/1.1\r\n", true);
  CHECK(told() == 0);
  send(220 * kMs, 1, "Host: a.kiln.test\r\n", false);
  REQUIRE(told() == 1);
  CHECK(scene.of(Rule::kBuildEgress).back().connection->http_host == "a.kiln.test");
  scene.see(EgressStarted{
      300 * kMs, 2, 6, Outcome::kPending, {"192.0.2.2", 80}, scene.process('a', 3001), 7});
  send(310 * kMs, 2, "GET / HTTP/1.1\r\n", true);
  CHECK(told() == 1);
  scene.pass(2000 * kMs);
  CHECK(told() == 2);
}
