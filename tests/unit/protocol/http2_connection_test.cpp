#include <catch2/catch_test_macros.hpp>
#include <string>

#include "harness/hex.h"
#include "harness/http2.h"

using namespace kilnwatch::test;
using h2::Sender;
using h2::Type;

namespace {

const std::string kAsked = "C1 headers :method=POST :path=/a content-type=application/grpc\n";
const std::string kAnswered = "A1 headers :status=200 content-type=application/grpc\n";

std::vector<Step> begun(std::vector<Step> steps) {
  steps.insert(steps.begin(), {ask(client_start()), reply(settings())});
  return steps;
}
// Without the first two lines.
std::string tell_begun(std::vector<Step> steps, const h2::Options& options = {}) {
  const auto text = tell_all(begun(std::move(steps)), options);
  return text.substr(std::string("C starts\nA starts\n").size());
}
h2::Counters counters(std::vector<Step> steps, const h2::Options& options = {}) {
  return tell(begun(std::move(steps)), options, [](std::size_t left) { return left; }).counters;
}

}  // namespace

TEST_CASE("A gRPC call from its headers to its trailers") {
  CHECK(tell_begun({ask(call(1, "/a") + data(1, grpc_message("hello"), h2::kEndStream)),
                    reply(answer(1) + data(1, grpc_message("world")) +
                          data(1, grpc_message("") + grpc_message("!")) + trailers(1, "0"))}) ==
        kAsked + "C1 message hello\nC1 end\n" + kAnswered +
            "A1 message world\nA1 message \nA1 message !\nA1 trailers grpc-status=0\nA1 end\n");
}

TEST_CASE("An answer that is trailers only") {
  CHECK(tell_begun({ask(call(1, "/a")),
                    reply(frame(Type::kHeaders, h2::kEndHeaders | h2::kEndStream, 1,
                                literals({{":status", "200"}, {"grpc-status", "12"}})))}) ==
        kAsked + "A1 headers :status=200 grpc-status=12\nA1 end\n");
}

TEST_CASE("An informational answer comes before the headers") {
  CHECK(tell_begun({ask(call(1, "/a")), reply(frame(Type::kHeaders, h2::kEndHeaders, 1,
                                                    literals({{":status", "103"}})) +
                                              answer(1) + data(1, grpc_message("x")))}) ==
        kAsked + "A1 headers :status=103\n" + kAnswered + "A1 message x\n");
}

TEST_CASE("A request that is no gRPC has a body") {
  CHECK(
      tell_begun({ask(frame(Type::kHeaders, h2::kEndHeaders, 1,
                            literals({{":method", "POST"}, {":path", "/build?t=x"}})) +
                      data(1, "abc") + data(1, "def") + data(1, "", h2::kEndStream)),
                  reply(frame(Type::kHeaders, h2::kEndHeaders, 1, literals({{":status", "200"}})) +
                        data(1, "ok", h2::kEndStream))}) ==
      "C1 headers :method=POST :path=/build?t=x\nC1 body abcdef\nC1 end\n"
      "A1 headers :status=200\nA1 body ok\nA1 end\n");
}

TEST_CASE("Streams are told apart") {
  const auto one = grpc_message("one one one");
  const auto two = grpc_message("two two two");
  CHECK(tell_begun({ask(call(1, "/a") + call(3, "/a") + data(1, one.substr(0, 7)) +
                        data(3, two.substr(0, 3)) + data(1, one.substr(7)) +
                        data(3, two.substr(3), h2::kEndStream))}) ==
        kAsked + "C3" + kAsked.substr(2) +
            "C1 message one one one\nC3 message two two two\nC3 end\n");
}

TEST_CASE("A stream that is over is not opened again") {
  const auto over = ask(call(1, "/a") + data(1, "", h2::kEndStream));
  const auto done = reply(answer(1) + trailers(1, "0"));
  const auto text = kAsked + "C1 end\n" + kAnswered + "A1 trailers grpc-status=0\nA1 end\n";
  CHECK(tell_begun({over, done, ask(call(1, "/b") + data(1, grpc_message("x")))}) == text);
  CHECK(counters({over, done, ask(call(1, "/b") + data(1, grpc_message("x")))}).frames_stray == 2);
  CHECK(counters({over, ask(data(1, grpc_message("x")))}).frames_stray == 1);
  // Some servers reset what they have answered.
  CHECK(tell_begun({over, done, reply(frame(Type::kReset, 0, 1, big_endian(0, 4)))}) == text);
}

TEST_CASE("A second header list of the client changes neither path nor status") {
  struct Last : NoSink {
    h2::Stream stream;
    void end(const h2::Stream& s, Sender) override { stream = s; }
  } last;
  h2::Connection connection({}, last);
  const auto bytes = client_start() + call(1, "/a") +
                     frame(Type::kHeaders, h2::kEndHeaders, 1,
                           literals({{":path", "/b"}, {"content-type", "text/plain"}})) +
                     frame(Type::kHeaders, h2::kEndHeaders | h2::kEndStream, 1,
                           literals({{":status", "200"}, {"grpc-status", "0"}}));
  connection.feed(Sender::kConnector, 0, bytes, true);
  CHECK(last.stream.ended[0]);
  CHECK(last.stream.client == Sender::kConnector);
  CHECK(last.stream.path == "/a");
  CHECK(last.stream.content_type[0] == "application/grpc");
  CHECK(last.stream.status.empty());
  CHECK(last.stream.grpc_status.empty());
}

TEST_CASE("Of texts a stream keeps the front, the header list has all") {
  struct First : NoSink {
    std::string path, kept;
    void headers(const h2::Stream& s, Sender, const h2::HeaderBlock& block) override {
      path = block.list.field(":path");
      kept = s.path;
    }
  } first;
  h2::Connection connection({}, first);
  const auto path = "/build?" + std::string(3000, 'x');
  connection.feed(Sender::kConnector, 0, client_start() + call(1, path), true);
  CHECK(first.path == path);
  CHECK(first.kept == path.substr(0, h2::kTextKept));
  CHECK(connection.held_bytes() > h2::kTextKept);
}

TEST_CASE("A push is told with its request") {
  CHECK(tell_begun(
            {ask(call(1, "/a")),
             reply(frame(Type::kPushPromise, h2::kEndHeaders, 1,
                         big_endian(2, 4) + literals({{":method", "GET"}, {":path", "/pushed"}})) +
                   frame(Type::kHeaders, h2::kEndHeaders | h2::kEndStream, 2,
                         literals({{":status", "404"}})))}) ==
        kAsked + "A2 headers :method=GET :path=/pushed\nA2 headers :status=404\nA2 end\n");
}

TEST_CASE("SETTINGS of one side hold for the other one's encoder") {
  const auto larger = settings(from_hex("000100010000"));  // a table of 64 KiB
  const auto update = frame(Type::kHeaders, h2::kEndHeaders, 1,
                            from_hex("3fe1ff03") + literals({{":method", "GET"}}));
  const std::string read = "C1 headers :method=GET\n";
  const std::string refused = "C1 unknown: a table size beyond what the receiver allowed\n";
  CHECK(tell_begun({reply(larger), ask(update)}) == read);
  CHECK(tell_begun({ask(larger), ask(update)}) == refused);
  CHECK(tell_begun({ask(update)}) == refused);
  // Settings of which bytes were not seen may have said anything.
  CHECK(tell_begun({reply(larger.substr(0, 9)), hole(Sender::kAcceptor, 6), ask(update)}) == read);
  CHECK(counters({reply(larger.substr(0, 9)), hole(Sender::kAcceptor, 6)}).control_lost == 1);
}

TEST_CASE("A reset and a goodbye that were not seen whole are counted") {
  const auto reset = frame(Type::kReset, 0, 1, big_endian(8, 4));
  const auto bye = frame(Type::kGoAway, 0, 0, std::string(8, 'x'));
  const std::vector<Step> steps = {ask(call(1, "/a") + reset.substr(0, 10)),
                                   hole(Sender::kConnector, 3), ask(bye.substr(0, 12)),
                                   hole(Sender::kConnector, 5), ask(call(3, "/a"))};
  CHECK(tell_begun(steps) == kAsked + "C1 reset 4294967295\nC3" + kAsked.substr(2));
  CHECK(counters(steps).control_lost == 2);
}

TEST_CASE("Frames above what the receiver allowed are read and counted") {
  const auto large = data(1, std::string(20000, 'x'));
  const auto allow = settings(from_hex("000500008000"));
  CHECK(counters({ask(call(1, "/a") + large)}).frames_oversized == 1);
  CHECK(counters({reply(allow), ask(call(1, "/a") + large)}).frames_oversized == 0);
}

TEST_CASE("More streams than the limit: the one that was idle the longest is given up") {
  const h2::Options two{.streams = 2};
  const auto next = [](const std::string& id) { return "C" + id + kAsked.substr(2); };
  CHECK(tell_begun({ask(call(1, "/a") + call(3, "/a") + data(1, grpc_message("x")) + call(5, "/a") +
                        data(3, grpc_message("y")) + data(1, grpc_message("z")))},
                   two) ==
        kAsked + next("3") + "C1 message x\n3 dropped\n" + next("5") + "C1 message z\n");
  const auto seen = counters({ask(call(1, "/a") + call(3, "/a") + call(5, "/a"))}, two);
  CHECK(seen.streams_dropped == 1);
}

TEST_CASE("A header block beyond the limit is given up, the next one is read") {
  const auto large = literals({{":method", std::string(h2::kBlockLimit, 'x')}});
  std::string frames = frame(Type::kHeaders, 0, 1, large.substr(0, 16384));
  for (std::size_t at = 16384; at < large.size(); at += 16384)
    frames += frame(Type::kContinuation, at + 16384 >= large.size() ? h2::kEndHeaders : 0, 1,
                    large.substr(at, 16384));
  const auto told = tell(begun({ask(frames + call(3, "/a"))}), {},
                         [](std::size_t left) { return std::min<std::size_t>(left, 1000); });
  CHECK(told.text ==
        "C starts\nA starts\nC1 unknown: a header block is too long\nC3" + kAsked.substr(2));
  CHECK(told.counters.blocks_lost == 1);
}

TEST_CASE("A header block in very many frames is read, without its places") {
  const auto block = literals({{":method", "POST"}, {"x", std::string(5000, 'x')}});
  std::string frames = frame(Type::kHeaders, 0, 1, "");
  for (std::size_t at = 0; at < block.size(); ++at)
    frames += frame(Type::kContinuation, at + 1 == block.size() ? h2::kEndHeaders : 0, 1,
                    block.substr(at, 1));
  CHECK(tell_begun({ask(frames)}) == "C1 headers :method=POST x=5000 bytes\n");
}

TEST_CASE("Met midway: sides and streams are found from what is seen") {
  const h2::Options midway{.midway = true};
  const auto pings = frame(Type::kPing, 0, 0, "12345678") + frame(Type::kPing, 0, 0, "12345678") +
                     frame(Type::kPing, 0, 0, "12345678");
  // A stream whose headers were not seen: where its messages begin is not known.
  CHECK(tell_all({reply(pings), ask(pings), reply(data(1, "some")),
                  reply(frame(Type::kHeaders, h2::kEndHeaders | h2::kEndStream, 1,
                              literals({{"grpc-status", "0"}}))),
                  ask(call(3, "/a") + data(3, grpc_message("x"), h2::kEndStream)),
                  reply(answer(3) + trailers(3, "0"))},
                 midway) ==
        "A guessed\nC guessed\nA1? body some\nA1? trailers grpc-status=0\nA1? end\n"
        "C3" +
            kAsked.substr(2) + "C3 message x\nC3 end\nA3" + kAnswered.substr(2) +
            "A3 trailers grpc-status=0\nA3 end\n");
  // Where all streams carry gRPC: a frame that is just one message, though it may be the inside of
  // another one.
  const auto fake = data(1, grpc_message("fake"));
  const std::string guessed = "A guessed\nA1? skipped 0, unframed: \n";
  CHECK(tell_all({reply(pings), reply(fake + fake)}, {.midway = true, .grpc = true}) ==
        guessed + "A1? message fake\nA1? message fake\n");
  CHECK(tell_all({reply(pings), reply(data(1, "\1" + grpc_message("fake").substr(1)))},
                 {.midway = true, .grpc = true}) == guessed);
  CHECK(tell_all({reply(pings), reply(data(1, grpc_message("fake") + "x"))},
                 {.midway = true, .grpc = true}) == guessed);
  CHECK(tell_all({reply(pings), reply(fake.substr(0, 9)), hole(Sender::kAcceptor, 9), reply(fake)},
                 {.midway = true, .grpc = true}) == guessed + "A1? message fake\n");
  // Indexed fields that are not known, of a call that can be read all the same.
  CHECK(tell_all({ask(pings), ask(frame(Type::kHeaders, h2::kEndHeaders, 9, from_hex("83bfbe")) +
                                  data(9, grpc_message("hello")))},
                 {.midway = true, .grpc = true}) ==
        "C guessed\nC9 headers :method=POST ?=? ?=?\nC9 message hello\n");
}

TEST_CASE("A lost direction leaves the other one as it is") {
  CHECK(tell_begun({ask(call(1, "/a")), reply(answer(1)), hole(Sender::kAcceptor, 3),
                    reply(data(1, grpc_message("no"))), ask(data(1, grpc_message("yes")))}) ==
        kAsked + kAnswered +
            "A1 skipped 0, unframed: \nA broken: bytes between frames were not seen\n"
            "C1 message yes\n");
}

TEST_CASE("What is unfinished at the end is told") {
  CHECK(tell_begun({ask(call(1, "/a") + data(1, grpc_message("hello").substr(0, 8)))}) ==
        kAsked + "C1 skipped 5, cut: hel\n");
}

TEST_CASE("All that is plain: preface, frame headers, control frames, but no content") {
  const auto told = tell({ask(client_start() + call(1, "/secret") +
                              frame(Type::kData, h2::kPadded, 1,
                                    "\2"
                                    "secret" +
                                        std::string(2, 's')) +
                              frame(Type::kPing, 0, 0, "secret!!") +
                              frame(Type::kGoAway, 0, 0, std::string(8, '\0') + "secret") +
                              settings(from_hex("000100001000")))},
                         {}, [](std::size_t) { return 1; });
  CHECK(told.plain[0].find("secret") == std::string::npos);
  CHECK(told.plain[0].size() == 24 + 6 * 9 + 1 + 8 + 6);
}
