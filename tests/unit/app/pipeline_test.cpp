#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app/pipeline.h"
#include "baseline/memory_store.h"
#include "harness/dns.h"
#include "harness/quic.h"
#include "harness/recordings.h"
#include "harness/temp_dir.h"
#include "protocol/tls/client_hello.h"

using namespace kilnwatch;

namespace {

constexpr domain::TimeNs kMs = 1'000'000;

domain::ConnOpened opening(domain::ConnId conn, domain::TimeNs time) {
  domain::ConnOpened opened;
  opened.time = time;
  opened.conn = conn;
  opened.engine = domain::EngineKind::kDocker;
  return opened;
}

domain::ConnData asked(domain::ConnId conn, domain::TimeNs time, std::uint64_t pos,
                       std::string bytes) {
  domain::ConnData data;
  data.time = time;
  data.conn = conn;
  data.pos = pos;
  data.at_head = true;
  data.span = static_cast<std::uint32_t>(bytes.size());
  data.bytes = std::move(bytes);
  return data;
}

const std::string kBuildRequest =
    "POST /v1.41/build?remote=http://198.51.100.66/Dockerfile HTTP/1.1\r\nHost: d\r\n"
    "Content-Length: 0\r\n\r\n";

std::size_t build_requests(const std::vector<v1::Alert>& alerts) {
  return static_cast<std::size_t>(
      std::count_if(alerts.begin(), alerts.end(),
                    [](const auto& alert) { return alert.rule() == "build-request"; }));
}

domain::ProcessForked fork_at(domain::TimeNs time) { return {time, 1, 2, time}; }

}  // namespace

TEST_CASE("An idle pipeline asks for nothing; a busy one says when") {
  baseline::MemoryStore seen;
  app::Pipeline pipeline(
      {"host", "boot", "", "", 0}, seen, nullptr, [](const v1::Alert&) {}, app::kLiveWindow);
  CHECK_FALSE(pipeline.due());
  const domain::TimeNs start = 100'000 * kMs;
  pipeline.push(fork_at(start));
  REQUIRE(pipeline.due());
  CHECK(*pipeline.due() == start + app::kLiveWindow + 1);

  // Woken exactly when it asks to be, it makes progress each time, and is soon done.
  unsigned wakes = 0;
  domain::TimeNs last = start;
  while (const auto due = pipeline.due()) {
    REQUIRE(*due > last);
    last = *due;
    pipeline.advance(last);
    REQUIRE(++wakes <= 10);
  }
  CHECK(pipeline.stats().events == 1);
  // Idle again: time that passes is no reason to do anything.
  pipeline.advance(last + 1'000'000 * kMs);
  CHECK_FALSE(pipeline.due());
}

TEST_CASE("What waits for its time is decided a window after it, not with the next event") {
  baseline::MemoryStore seen;
  std::vector<v1::Alert> alerts;
  app::Pipeline pipeline(
      {"host", "boot", "", "", 0}, seen, nullptr,
      [&](const v1::Alert& alert) { alerts.push_back(alert); }, app::kLiveWindow);
  const domain::TimeNs start = 100'000 * kMs;
  domain::ConnOpened opened;
  opened.time = start;
  opened.conn = 1;
  opened.engine = domain::EngineKind::kDocker;
  pipeline.push(opened);
  domain::ConnData data;
  data.time = start + kMs;
  data.conn = 1;
  data.at_head = true;
  data.bytes =
      "POST /v1.41/build?remote=http://198.51.100.66/Dockerfile HTTP/1.1\r\nHost: d\r\n"
      "Content-Length: 0\r\n\r\n";
  data.span = static_cast<std::uint32_t>(data.bytes.size());
  pipeline.push(data);
  domain::TimeNs now = start;
  while (alerts.empty()) {
    const auto due = pipeline.due();
    REQUIRE(due);
    REQUIRE(*due > now);
    now = *due;
    pipeline.advance(now);
  }
  CHECK(alerts.front().rule() == "build-request");
  // Its base image is never known: the decision point is the request and 2 s.
  CHECK(now == start + kMs + tracker::kRequestWait + app::kLiveWindow + 1);
}

TEST_CASE("An event that comes after its time has passed is counted") {
  baseline::MemoryStore seen;
  app::Pipeline pipeline(
      {"host", "boot", "", "", 0}, seen, nullptr, [](const v1::Alert&) {}, app::kLiveWindow);
  pipeline.push(fork_at(1000 * kMs));
  pipeline.advance(1020 * kMs);
  pipeline.push(fork_at(999 * kMs));
  CHECK(pipeline.stats().late == 1);
  pipeline.push(fork_at(1015 * kMs));
  CHECK(pipeline.stats().late == 1);
}

TEST_CASE("Conversations whose end was lost make room for the newest") {
  baseline::MemoryStore seen;
  std::vector<v1::Alert> alerts;
  app::Pipeline pipeline({"host", "boot", "", "", 0}, seen, nullptr,
                         [&](const v1::Alert& alert) { alerts.push_back(alert); });
  domain::TimeNs now = 100'000 * kMs;
  for (domain::ConnId conn = 1; conn <= app::kMaxConversations; ++conn)
    pipeline.push(opening(conn, now += kMs));
  // The oldest one still talks.
  pipeline.push(asked(1, now += kMs, 0, kBuildRequest.substr(0, 40)));
  const auto newest = app::kMaxConversations + 1;
  pipeline.push(opening(newest, now += kMs));
  pipeline.push(asked(newest, now += kMs, 0, kBuildRequest));
  pipeline.push(asked(1, now += kMs, 40, kBuildRequest.substr(40)));
  pipeline.finish();
  CHECK(build_requests(alerts) == 2);
  CHECK(pipeline.stats().losses["conversations"] == 1);
}

TEST_CASE("A connection's number that comes again takes no other's place") {
  baseline::MemoryStore seen;
  app::Pipeline pipeline({"host", "boot", "", "", 0}, seen, nullptr, [](const v1::Alert&) {});
  domain::TimeNs now = 100'000 * kMs;
  for (domain::ConnId conn = 1; conn <= app::kMaxConversations; ++conn)
    pipeline.push(opening(conn, now += kMs));
  pipeline.push(opening(7, now += kMs));
  pipeline.finish();
  CHECK(pipeline.stats().losses.empty());
}

TEST_CASE("What clients make conversations hold has a bound, and the newest is still followed") {
  baseline::MemoryStore seen;
  std::vector<v1::Alert> alerts;
  app::Pipeline pipeline(
      {"host", "boot", "", "", 0}, seen, nullptr,
      [&](const v1::Alert& alert) { alerts.push_back(alert); }, app::kLiveWindow);
  domain::TimeNs now = 100'000 * kMs;
  constexpr domain::ConnId kClients = 64;
  constexpr std::size_t kPiece = 65536, kPieces = 12;
  const std::string line(kPiece, 'a');
  // A build of small lines begins before them and ends after them.
  pipeline.push(opening(1000, now += kMs));
  pipeline.push(asked(1000, now += kMs, 0, kBuildRequest.substr(0, 40)));
  std::size_t most = 0;
  for (domain::ConnId conn = 1; conn <= kClients; ++conn) {
    pipeline.push(opening(conn, now += kMs));
    pipeline.push(asked(conn, now += kMs, 0, "GET / HTTP/1.1\r\nX: "));
    for (std::size_t i = 0; i < kPieces; ++i) {
      pipeline.push(asked(conn, now += kMs, 19 + i * kPiece, line));
      most = std::max(most, pipeline.stats().held_bytes);
    }
  }
  CHECK(most > app::kConversationBytes / 2);
  CHECK(most <= app::kConversationBytes);
  pipeline.push(asked(1000, now += kMs, 40, kBuildRequest.substr(40)));
  pipeline.push(opening(1001, now += kMs));
  pipeline.push(asked(1001, now += kMs, 0, kBuildRequest));
  // What is given back counts no more.
  for (domain::ConnId conn = 1; conn <= kClients; ++conn)
    pipeline.push(domain::ConnClosed{now += kMs, conn});
  pipeline.push(domain::ConnClosed{now += kMs, 1000});
  pipeline.push(domain::ConnClosed{now += kMs, 1001});
  pipeline.finish();
  CHECK(build_requests(alerts) == 2);
  CHECK(pipeline.stats().losses["conversations"] > 0);
  CHECK(pipeline.stats().held_bytes == 0);
}

TEST_CASE("Of a QUIC client's datagrams its hello is recorded, with stars for all but the name") {
  const test::TempDir dir;
  auto recorder = record::Recorder::create(dir.file("r"), test::info());
  REQUIRE(recorder);
  baseline::MemoryStore seen;
  app::Pipeline pipeline({"host", "boot", "", "", 0}, seen, &*recorder, [](const v1::Alert&) {});
  const domain::TimeNs start = 100'000 * kMs;
  domain::EgressStarted started;
  started.time = start;
  started.egress = 1;
  started.protocol = 17;
  started.outcome = domain::Outcome::kSent;
  started.destination = {"198.51.100.7", 443};
  pipeline.push(started);
  const auto datagrams = test::quic::datagrams(test::quic::hello("a.kiln.test", 1700));
  pipeline.push(domain::EgressDatagram{start + 2 * kMs, 1, datagrams[1]});
  pipeline.push(domain::EgressDatagram{start + kMs, 1, datagrams[0]});
  pipeline.push(domain::EgressDatagram{start + 3 * kMs, 1, "nothing known"});
  pipeline.finish();
  REQUIRE(recorder->finish());
  const auto back = test::replay(dir.file("r"));
  CHECK(back.error.empty());
  REQUIRE(back.events.size() == 3);
  const auto& payload = std::get<domain::EgressPayload>(back.events[2]);
  CHECK(payload.time == start + 2 * kMs);
  const auto hello = protocol::read_client_hello(payload.bytes);
  REQUIRE(hello);
  CHECK(hello->server_name == "a.kiln.test");
  CHECK(hello->whole);
  for (const auto& event : back.events) CHECK(test::form(event).find("kkk") == std::string::npos);
  CHECK(pipeline.stats().losses.empty());
}

TEST_CASE("A pipeline records the head that was put together, not its pieces or their secrets") {
  const test::TempDir dir;
  auto recorder = record::Recorder::create(dir.file("r"), test::info());
  REQUIRE(recorder);
  baseline::MemoryStore seen;
  app::Pipeline pipeline({"host", "boot", "", "", 0}, seen, &*recorder, [](const v1::Alert&) {});
  const domain::TimeNs start = 100'000 * kMs;
  domain::EgressStarted started;
  started.time = start;
  started.egress = 1;
  started.protocol = 6;
  started.destination = {"198.51.100.7", 80};
  pipeline.push(started);
  pipeline.push(domain::EgressSent{start + kMs, 1, "GET /p HTTP/1.1\r\n", true});
  pipeline.push(domain::EgressSent{start + 2 * kMs, 1, "Authorization: s3cret\r\n", false});
  pipeline.push(domain::EgressSent{start + 3 * kMs, 1, "Host: a.kiln.test\r\n", false});
  pipeline.push(domain::EgressSent{start + 4 * kMs, 1, "Cookie: s3cret\r\n\r\n", false});
  pipeline.finish();
  REQUIRE(recorder->finish());
  const auto back = test::replay(dir.file("r"));
  CHECK(back.error.empty());
  REQUIRE(back.events.size() == 4);
  CHECK(std::get<domain::EgressPayload>(back.events[1]).more);
  const auto& payload = std::get<domain::EgressPayload>(back.events[3]);
  CHECK(payload.time == start + 3 * kMs);
  CHECK_FALSE(payload.more);
  CHECK(payload.bytes.find("Host: a.kiln.test") != std::string::npos);
  for (const auto& event : back.events)
    CHECK(test::form(event).find("s3cret") == std::string::npos);
  CHECK(pipeline.stats().losses.empty());
}

TEST_CASE("A pipeline records an answer over TCP, not the pieces that it was read in") {
  const std::string answer =
      test::dns::message("kiln.test", 1, {test::dns::a(test::dns::same(), "192.0.2.7")});
  const auto read = [](domain::TimeNs time, std::string text) {
    domain::DnsBytes bytes;
    bytes.time = time;
    bytes.stream = 1;
    bytes.resolver = {"127.0.0.11", 53};
    bytes.length = static_cast<std::uint32_t>(text.size());
    bytes.bytes = std::move(text);
    return bytes;
  };
  const test::TempDir dir;
  auto recorder = record::Recorder::create(dir.file("r"), test::info());
  REQUIRE(recorder);
  baseline::MemoryStore seen;
  app::Pipeline pipeline(
      {"host", "boot", "", "", 0}, seen, &*recorder, [](const v1::Alert&) {}, app::kLiveWindow);
  const std::string stream = test::dns::sized(answer, 2);
  pipeline.push(read(5, stream.substr(0, 2)));
  pipeline.push(read(6, stream.substr(2)));
  pipeline.finish();
  REQUIRE(recorder->finish());
  const auto back = test::replay(dir.file("r"));
  REQUIRE(back.events.size() == 1);
  const auto& answered = std::get<domain::DnsAnswered>(back.events[0]);
  CHECK(answered.bytes == answer);
  CHECK(answered.stream);
}
