#include "record/recorder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "base/text.h"
#include "harness/events.h"
#include "harness/hex.h"
#include "harness/recordings.h"
#include "protocol/dns/message.h"
#include "protocol/http1/first_request.h"
#include "protocol/tls/client_hello.h"
#include "stream/event_cost.h"

namespace kilnwatch {
namespace {

using domain::Direction;

domain::ConnData data(domain::TimeNs time, std::uint64_t pos, const std::string& bytes) {
  return {
      time, 1,    Direction::kRequest, pos, static_cast<std::uint32_t>(bytes.size()), false, false,
      true, bytes};
}

// bytes, '.' for each byte left out.
std::string shown(const std::vector<domain::Event>& events) {
  std::string text;
  for (const auto& event : events) {
    if (const auto* piece = std::get_if<domain::ConnData>(&event)) {
      text += piece->bytes + std::string(piece->span - piece->bytes.size(), '.');
    }
  }
  return text;
}

TEST_CASE("every kind survives, in order") {
  const test::TempDir dir;
  auto recorder = record::Recorder::create(dir.file("r"), test::info());
  REQUIRE(recorder);
  const auto events = test::every_kind();
  for (const auto& event : events) {
    recorder->event(event);
    if (const auto* seen = std::get_if<domain::ConnData>(&event)) {
      recorder->safe(seen->conn, {seen->direction, seen->pos, seen->bytes});
      recorder->settled(seen->conn, seen->direction, seen->pos + seen->bytes.size());
    }
  }
  REQUIRE(recorder->finish());
  CHECK(recorder->stats().file.written == events.size());
  const auto back = test::replay(dir.file("r"));
  CHECK(back.error.empty());
  REQUIRE(back.events.size() == events.size());
  for (std::size_t i = 0; i < events.size(); ++i)
    CHECK(test::form(back.events[i]) == test::form(events[i]));
}

TEST_CASE("only vouched bytes are written") {
  const test::TempDir dir;
  auto recorder = record::Recorder::create(dir.file("r"), test::info());
  REQUIRE(recorder);
  recorder->event(data(1, 0, "head hunter2 tail hunter2"));
  recorder->safe(1, {Direction::kRequest, 0, "head "});
  recorder->safe(1, {Direction::kRequest, 12, " tail "});
  recorder->settled(1, Direction::kRequest, 25);
  recorder->event(data(2, 25, "hunter2"));  // never judged
  REQUIRE(recorder->finish());
  const auto back = test::replay(dir.file("r"));
  CHECK(back.error.empty());
  CHECK(shown(back.events) == "head ....... tail ..............");
  REQUIRE(back.events.size() == 3);
  CHECK(std::get<domain::ConnData>(back.events[1]).pos == 12);
  CHECK_FALSE(std::get<domain::ConnData>(back.events[1]).at_head);
  for (const auto& event : back.events)
    CHECK(test::form(event).find("hunter2") == std::string::npos);
}

TEST_CASE("an uncovered start, a range over two records, a tail left in the kernel") {
  const test::TempDir dir;
  auto recorder = record::Recorder::create(dir.file("r"), test::info());
  REQUIRE(recorder);
  recorder->event(data(1, 100, "abcd"));
  auto second = data(2, 104, "efgh");
  second.span = 10;
  recorder->event(second);
  recorder->safe(1, {Direction::kRequest, 102, "cdef"});
  recorder->settled(1, Direction::kRequest, 108);
  REQUIRE(recorder->finish());
  const auto back = test::replay(dir.file("r"));
  CHECK(shown(back.events) == "..cdef........");
  CHECK(std::get<domain::ConnData>(back.events[0]).at_head);
}

TEST_CASE("waiting ends by settling, close and age") {
  const test::TempDir dir;
  auto recorder = record::Recorder::create(dir.file("r"), test::info());
  REQUIRE(recorder);
  SECTION("settled") {
    recorder->event(data(1, 0, "abcd"));
    recorder->settled(1, Direction::kRequest, 4);
    recorder->event(domain::Tick{2});
    recorder->safe(1, {Direction::kRequest, 0, "abcd"});  // too late
  }
  SECTION("close") {
    recorder->event(data(1, 0, "abcd"));
    recorder->event(domain::ConnClosed{2, 1});
    recorder->event(domain::Tick{record::kCloseGrace + 10});
    recorder->safe(1, {Direction::kRequest, 0, "abcd"});  // too late
  }
  SECTION("age") {
    recorder->event(data(1, 0, "abcd"));
    recorder->event(domain::Tick{record::kMaxWait + 1});
    recorder->safe(1, {Direction::kRequest, 0, "abcd"});  // too late
  }
  REQUIRE(recorder->finish());
  CHECK(shown(test::replay(dir.file("r")).events) == "....");
}

std::string recorded_payload(const std::string& bytes) {
  const test::TempDir dir;
  auto recorder = record::Recorder::create(dir.file("r"), test::info());
  REQUIRE(recorder);
  recorder->event(domain::EgressPayload{1, 2, bytes});
  REQUIRE(recorder->finish());
  const auto back = test::replay(dir.file("r"));
  REQUIRE(back.events.size() == 1);
  return std::get<domain::EgressPayload>(back.events[0]).bytes;
}

std::string recorded_answer(const std::string& bytes) {
  const test::TempDir dir;
  auto recorder = record::Recorder::create(dir.file("r"), test::info());
  REQUIRE(recorder);
  domain::DnsAnswered answered;
  answered.time = 1;
  answered.bytes = bytes;
  recorder->event(answered);
  REQUIRE(recorder->finish());
  const auto back = test::replay(dir.file("r"));
  REQUIRE(back.events.size() == 1);
  return std::get<domain::DnsAnswered>(back.events[0]).bytes;
}

TEST_CASE("of a resolver's answer names and addresses are written, without secrets") {
  namespace dns = test::dns;
  const std::string token = "ghp_" + std::string(36, 'c');
  const auto answer = dns::message(
      "kiln.test", 1,
      {dns::record(dns::same(), 16, dns::sized("canary-text", 1)),
       dns::record(dns::same(), 5, dns::name(token + ".kiln.test")),
       dns::a(dns::name(token + ".kiln.test"), "192.0.2.7"), dns::a(dns::same(), "192.0.2.8")});
  const std::string kept = recorded_answer(answer);
  CHECK(kept.size() == answer.size());
  CHECK(kept.find("canary") == std::string::npos);
  CHECK(kept.find("cccc") == std::string::npos);
  const auto read = protocol::read_dns_answer(kept);
  REQUIRE(read);
  CHECK(read->question == "kiln.test");
  CHECK(read->whole);
  CHECK(protocol::addresses_of(*read) == std::vector<std::string>{"192.0.2.8"});
  CHECK(recorded_answer("canary") == "******");
  for (std::size_t size = 0; size < answer.size(); ++size)
    CHECK(recorded_answer(answer.substr(0, size)).find("cccc") == std::string::npos);
}

TEST_CASE("a secret in a name is none less for its letters' case") {
  namespace dns = test::dns;
  for (const std::string& token :
       {"ghp_" + std::string(18, 'c') + std::string(18, 'C'), "GhP_" + std::string(36, 'c'),
        std::string("AKIAIOSFODNN7EXAMPLE")}) {
    const std::string name = token + ".kiln.test";
    const std::string entry = dns::sized(dns::number(0, 1) + dns::sized(name, 2), 2);
    const std::string body = "\x03\x03" + std::string(32, 'r') + dns::sized("", 1) +
                             dns::sized("\x13\x01", 2) + dns::sized("n", 1) +
                             dns::sized(dns::number(0, 2) + dns::sized(entry, 2), 2);
    const std::string hello = "\x16\x03\x01" + dns::sized("\x01" + dns::sized(body, 3), 2);
    REQUIRE(protocol::read_client_hello(hello)->server_name == base::lower(name));
    for (const auto& kept : {recorded_payload(hello), recorded_answer(dns::message(name, 1, {}))})
      CHECK(kept.find(token.substr(8, 8)) == std::string::npos);
  }
}

TEST_CASE("of a step's own request only the request line and the host are written") {
  const std::string sent =
      "POST /up?token=canary-query&a=1 HTTP/1.1\r\nAuthorization: Bearer canary-bearer\r\n"
      "Host: kiln.test\r\nCookie: canary-cookie\r\nX-Any: canary-any\r\n\r\ncanary-body";
  const std::string kept = recorded_payload(sent);
  CHECK(kept.size() == sent.size());
  CHECK(kept.find("canary") == std::string::npos);
  const auto request = protocol::read_first_request(kept);
  REQUIRE(request);
  CHECK(request->method == "POST");
  CHECK(request->target == "/up?token=************&a=1");
  CHECK(request->host == "kiln.test");
  CHECK(kept.find_first_not_of('*', kept.find("kiln.test\r\n") + 11) == std::string::npos);

  CHECK(recorded_payload("GET http://u:canary-user@kiln.test/ HTTP/1.1\r\n\r\n").find("canary") ==
        std::string::npos);
  CHECK(recorded_payload("GET / HTTP/1.1\r\n\r\nHost: canary\r\n") ==
        "GET / HTTP/1.1\r\n" + std::string(16, '*'));
  // Cut off before the line's end, or of another protocol: a length.
  CHECK(recorded_payload("GET /canary HTTP/1.1") == std::string(20, '*'));
  CHECK(recorded_payload("AUTH canary\r\n") == std::string(13, '*'));
  CHECK(recorded_payload(std::string("\x16\x03\x01\0\xff", 5)) == "*****");
  const std::string hello = test::from_hex(
      "160301004b01000047030372616e646f6d2d63616e617279000000000000000000000000000000000000000000"
      "0213010100001c0000000e000c0000096b696c6e2e746573740023000663616e617279");
  const std::string tls = recorded_payload(hello);
  CHECK(tls.find("canary") == std::string::npos);
  CHECK(protocol::read_client_hello(tls)->server_name == "kiln.test");
}

TEST_CASE("what is written before it is judged is counted, with its reason") {
  const test::TempDir dir;
  auto recorder = record::Recorder::create(dir.file("r"), test::info());
  REQUIRE(recorder);
  SECTION("age") {
    recorder->event(data(1, 0, "abcd"));
    recorder->event(domain::Tick{record::kMaxWait + 1});
    CHECK(recorder->stats().aged == 1);
    CHECK(recorder->stats().crowded == 0);
    CHECK(recorder->stats().bytes_unvouched == 4);
  }
  SECTION("a full queue") {
    const std::size_t each = stream::cost_of(data(1, 0, ""));
    const std::size_t fit = record::kMaxQueueBytes / each;
    for (std::size_t i = 0; i < fit + 3; ++i) recorder->event(data(1, i * 4, "abcd"));
    CHECK(recorder->stats().crowded > 0);
    CHECK(recorder->stats().crowded <= 3);
    CHECK(recorder->stats().aged == 0);
  }
  SECTION("a close is no refusal, vouched bytes are none either") {
    recorder->event(data(1, 0, "abcd"));
    recorder->safe(1, {Direction::kRequest, 0, "ab"});
    recorder->event(domain::ConnClosed{2, 1});
    recorder->event(domain::Tick{record::kCloseGrace + 10});
    CHECK(recorder->stats().aged + recorder->stats().crowded == 0);
    CHECK(recorder->stats().bytes_unvouched == 2);
  }
  CHECK(recorder->finish());
}

TEST_CASE("mode 0600, no links, size cap") {
  const test::TempDir dir;
  const std::string path = dir.file("r");
  test::spit(path, "old");
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  {
    auto recorder = record::Recorder::create(path, test::info(), 4096);
    REQUIRE(recorder);
    struct stat facts {};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0600);
    unsigned seed = 1;
    for (domain::TimeNs i = 0; i < 400; ++i) {
      domain::ProcessForked fork{i * record::kFrameTime, seed = seed * 1664525 + 1013904223,
                                 seed ^ 7, seed};
      recorder->event(fork);
    }
    const auto done = recorder->finish();
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == base::ErrorClass::kEnvironment);
    CHECK(done.error().message.find("size cap of 4096 bytes") != std::string::npos);
    CHECK(done.error().message.find("--record-limit") != std::string::npos);
    CHECK(recorder->stats().file.written + recorder->stats().file.left_out == 400);
    CHECK(recorder->stats().file.left_out > 0);
    CHECK(recorder->stats().file.bytes <= 4096);
  }
  const auto back = test::replay(path);
  CHECK(back.error.empty());
  CHECK(back.events.size() > 0);
  REQUIRE(::symlink(path.c_str(), dir.file("link").c_str()) == 0);
  CHECK_FALSE(record::Recorder::create(dir.file("link"), test::info()));
  CHECK_FALSE(record::Recorder::create("/dev/null", test::info()));
}

}  // namespace
}  // namespace kilnwatch
