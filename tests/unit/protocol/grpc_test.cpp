#include <catch2/catch_test_macros.hpp>
#include <random>
#include <string>
#include <vector>

#include "harness/http2.h"
#include "protocol/grpc/gunzip.h"
#include "protocol/grpc/reader.h"

using kilnwatch::protocol::Piece;
using kilnwatch::test::big_endian;
using kilnwatch::test::grpc_message;
using kilnwatch::test::gzip;
using namespace kilnwatch::protocol::grpc;

namespace {

struct Log final : MessageSink {
  std::string text;
  std::vector<Piece> pieces;  // of the last one
  void message(const Message& m) override {
    text += (m.compressed ? "z[" : "[") +
            (m.bytes.size() > 100 ? std::to_string(m.bytes.size()) : std::string(m.bytes)) + "]";
    pieces = m.pieces;
  }
  void skipped(const Skipped& s) override {
    text += "-" + std::to_string(static_cast<int>(s.reason)) + "," + std::to_string(s.length) +
            "," + (s.front.size() > 100 ? std::to_string(s.front.size()) : std::string(s.front)) +
            "-";
    pieces = s.pieces;
  }
};

constexpr std::size_t kRoom = std::size_t{1} << 30;

struct Step {
  std::string bytes;
  std::uint64_t hole = 0;
};

std::string read(const std::vector<Step>& steps, const std::string& encoding = "gzip",
                 std::size_t limit = kMessageLimit, std::size_t room = kRoom) {
  const auto run = [&](auto&& cut) {
    Log log;
    Reader reader(limit);
    std::uint64_t pos = 0;
    for (const auto& step : steps) {
      reader.hole(step.hole, log);
      pos += step.hole;
      for (std::size_t at = 0; at < step.bytes.size();) {
        const auto n = std::min<std::size_t>(cut(), step.bytes.size() - at);
        reader.feed(pos, step.bytes.substr(at, n), encoding, room, log);
        pos += n;
        at += n;
      }
    }
    reader.end(log);
    CHECK(reader.held_bytes() == 0);
    return log.text;
  };
  const auto whole = run([] { return std::size_t{1} << 30; });
  CHECK(run([] { return 1; }) == whole);
  for (unsigned seed = 0; seed < 10; ++seed) {
    std::mt19937 random(seed);
    CHECK(run([&random] { return 1 + random() % 50; }) == whole);
  }
  return whole;
}

std::string skipped(Reason reason, std::uint64_t length, const std::string& front) {
  return "-" + std::to_string(static_cast<int>(reason)) + "," + std::to_string(length) + "," +
         front + "-";
}

}  // namespace

TEST_CASE("Messages one after the other") {
  CHECK(read({{grpc_message("a") + grpc_message("") + grpc_message("bc")}}) == "[a][][bc]");
}

TEST_CASE("Compressed messages are unpacked") {
  const auto packed = grpc_message(gzip("hello"), true);
  CHECK(read({{packed + grpc_message("plain")}}) == "z[hello][plain]");
  CHECK(read({{packed}}, "") == "z[hello]");  // the header was not seen
  const auto members = gzip("hel") + gzip("lo");
  CHECK(read({{grpc_message(members, true)}}) == "z[hello]");
  CHECK(read({{grpc_message(gzip(""), true)}}) == "z[]");
}

TEST_CASE("What cannot be unpacked is skipped, and the next message is read") {
  const auto next = grpc_message("next");
  const auto packed = gzip("hello");
  CHECK(read({{grpc_message("zzz", true) + next}}, "snappy") ==
        skipped(Reason::kCompression, 3, "zzz") + "[next]");
  CHECK(read({{grpc_message("zzz", true) + next}}, "") ==
        skipped(Reason::kCompression, 3, "zzz") + "[next]");
  for (const auto& bad : {packed.substr(0, packed.size() - 1), packed + "x", std::string("zzz"),
                          packed.substr(0, packed.size() - 8) + std::string(8, 'x')})
    CHECK(read({{grpc_message(bad, true) + next}}) ==
          skipped(Reason::kDamaged, bad.size(), bad) + "[next]");
  // A bomb is unpacked up to the limit.
  const auto bomb = gzip(std::string(1001, 'x'));
  CHECK(read({{grpc_message(bomb, true) + next}}, "gzip", 1000) ==
        skipped(Reason::kTooLarge, bomb.size(), bomb) + "[next]");
  CHECK(read({{grpc_message(gzip(std::string(1000, 'x')), true)}}, "gzip", 1000) == "z[1000]");
}

TEST_CASE("A message beyond the limit is skipped, its front kept") {
  const auto next = grpc_message("next");
  CHECK(read({{grpc_message(std::string(1000, 'x')) + next}}, "", 1000) == "[1000][next]");
  CHECK(read({{grpc_message(std::string(1001, 'x')) + next}}, "", 1000) ==
        skipped(Reason::kTooLarge, 1001, "1001") + "[next]");
  CHECK(read({{grpc_message(std::string(9000, 'x')) + next}}, "", 1000) ==
        skipped(Reason::kTooLarge, 9000, "4096") + "[next]");
  CHECK(read({{grpc_message(std::string(9000, 'x')) + next}}, "", 10000, 6000) ==
        skipped(Reason::kNoRoom, 9000, "4096") + "[next]");
}

TEST_CASE("Bytes that were not seen cost the message that they are in") {
  const auto message = grpc_message("0123456789");
  const auto next = grpc_message("next");
  CHECK(read({{message.substr(0, 8)}, {message.substr(10) + next, 2}}) ==
        skipped(Reason::kHole, 10, "012") + "[next]");
  CHECK(read({{message.substr(0, 5)}, {next, 10}}) == skipped(Reason::kHole, 10, "") + "[next]");
  CHECK(read({{message.substr(0, 8)}, {"9" + next, 3}, {"", 0}})
            .starts_with(skipped(Reason::kHole, 10, "012")));
  // Beyond the message: where the next one begins is not known.
  CHECK(read({{message.substr(0, 8)}, {next, 8}}) == skipped(Reason::kUnframed, 10, "012"));
  CHECK(read({{message}, {next, 1}}) == "[0123456789]" + skipped(Reason::kUnframed, 0, ""));
  CHECK(read({{message.substr(0, 3)}, {next, 1}}) == skipped(Reason::kUnframed, 0, ""));
}

TEST_CASE("A stream that ends within a message") {
  CHECK(read({{grpc_message("hello").substr(0, 7)}}) == skipped(Reason::kCut, 5, "he"));
  CHECK(read({{grpc_message("hello").substr(0, 3)}}) == skipped(Reason::kCut, 0, ""));
}

TEST_CASE("What is no gRPC is unframed") {
  CHECK(read({{"GET / HTTP/1.1"}}) == skipped(Reason::kUnframed, 0, ""));
}

TEST_CASE("Where a message stands in the stream") {
  Log log;
  Reader reader;
  const auto bytes = grpc_message("0123456789");
  CHECK_FALSE(reader.first_pos());
  reader.feed(100, bytes.substr(0, 3), "", kRoom, log);
  CHECK(reader.first_pos() == 100);
  reader.feed(103, bytes.substr(3, 4), "", kRoom, log);
  reader.feed(116, bytes.substr(7), "", kRoom, log);
  CHECK(log.pieces == std::vector<Piece>{{100, 7}, {116, 8}});
  CHECK_FALSE(reader.first_pos());
  // Of one that is skipped, only its front; then nothing is held back.
  const auto large = grpc_message(std::string(kMessageLimit + 1, 'x'));
  reader.feed(200, large.substr(0, 4000), "", kRoom, log);
  CHECK(reader.first_pos() == 200);
  reader.feed(5000, large.substr(4000, 1000), "", kRoom, log);
  CHECK(log.pieces == std::vector<Piece>{{200, 4000}, {5000, kFrontKept + kPrefix - 4000}});
  CHECK_FALSE(reader.first_pos());
}

TEST_CASE("A message in very many pieces is read, without its places") {
  Log log;
  Reader reader;
  const auto bytes = grpc_message(std::string(2 * kPieceLimit, 'x'));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    reader.feed(10 * i, bytes.substr(i, 1), "", kRoom, log);
    CHECK(reader.held_bytes() < bytes.size() + kPieceLimit * sizeof(Piece));
  }
  CHECK(log.text == "[8192]");
  CHECK(log.pieces.empty());
}
