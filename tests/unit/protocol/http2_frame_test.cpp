#include <catch2/catch_test_macros.hpp>
#include <string>

#include "harness/hex.h"
#include "harness/http2.h"
#include "protocol/http2/frame_rules.h"

using namespace kilnwatch::test;
using h2::Sender;
using h2::Type;
using kilnwatch::protocol::http2::Chain;
using kilnwatch::protocol::http2::find_chain;

namespace {

const std::string kBoth = "C starts\nA starts\n";
const std::string kCall1 = "C1 headers :method=POST :path=/a content-type=application/grpc\n";

std::vector<Step> begun(std::vector<Step> steps) {
  steps.insert(steps.begin(), {ask(client_start()), reply(settings())});
  return steps;
}
std::string tell_begun(std::vector<Step> steps, const h2::Options& options = {}) {
  const auto text = tell_all(begun(std::move(steps)), options);
  CHECK(text.starts_with(kBoth));
  return text.substr(std::min(text.size(), kBoth.size()));
}
h2::Counters counters(std::vector<Step> steps, const h2::Options& options = {}) {
  return tell(begun(std::move(steps)), options, [](std::size_t left) { return left; }).counters;
}
std::string padded(std::string_view bytes, std::size_t padding) {
  return static_cast<char>(padding) + std::string(bytes) + std::string(padding, '\0');
}
std::string plain_call(std::string_view path) {
  return literals({{":method", "POST"}, {":path", std::string(path)}});
}

}  // namespace

TEST_CASE("Who sends the preface is the client") {
  CHECK(tell_all({ask(client_start()), reply(settings())}) == kBoth);
  CHECK(tell_all({reply(client_start() + call(1, "/x")), ask(settings() + answer(1))}) ==
        "A starts\nA1 headers :method=POST :path=/x content-type=application/grpc\nC starts\n"
        "C1 headers :status=200 content-type=application/grpc\n");
}

TEST_CASE("What is no HTTP/2 connection is lost at once") {
  CHECK(tell_all({ask("POST /build HTTP/1.1\r\n\r\n")}) ==
        "C broken: no HTTP/2 connection preface\n");
  CHECK(tell_all({ask("PRI * HTTP/2.0\r\n\r\nXX" + client_start())}) ==
        "C broken: no HTTP/2 connection preface\n");
  CHECK(tell_all({reply(call(1, "/a"))}) ==
        "A broken: an HTTP/2 connection that does not begin with SETTINGS\n");
  CHECK(tell_all({ask(std::string(h2::kPreface) + call(1, "/a"))}) ==
        "C starts\nC broken: an HTTP/2 connection that does not begin with SETTINGS\n");
}

TEST_CASE("A header block over several frames, padded and with priority") {
  const auto block = plain_call("/a");
  const std::string told = "C1 headers :method=POST :path=/a\nC1 end\n";
  CHECK(tell_begun({ask(frame(Type::kHeaders, h2::kEndStream, 1, block.substr(0, 4)) +
                        frame(Type::kContinuation, 0, 1, block.substr(4, 1)) +
                        frame(Type::kContinuation, 0, 1, "") +
                        frame(Type::kContinuation, h2::kEndHeaders, 1, block.substr(5)))}) == told);
  CHECK(tell_begun({ask(frame(Type::kHeaders,
                              h2::kEndStream | h2::kEndHeaders | h2::kPadded | h2::kPriorityFlag, 1,
                              padded(from_hex("8000000310") + block, 200)))}) == told);
  CHECK(tell_begun({ask(
            frame(Type::kHeaders, h2::kEndStream | h2::kPadded, 1, padded(block.substr(0, 6), 3)) +
            frame(Type::kContinuation, h2::kEndHeaders, 1, block.substr(6)))}) == told);
}

TEST_CASE("Another frame within a header block gives the block up, not the connection") {
  const auto block = plain_call("/a");
  const auto front = frame(Type::kHeaders, 0, 1, block.substr(0, 4));
  const std::string given_up = "C1 unknown: another frame within a header block\n";
  const std::string next = "C3 headers :method=POST :path=/b content-type=application/grpc\n";
  CHECK(tell_begun({ask(front + call(3, "/b"))}) == given_up + next);
  CHECK(tell_begun({ask(front + frame(Type::kPing, 0, 0, "12345678") + call(3, "/b"))}) ==
        given_up + next);
  CHECK(tell_begun({ask(front + frame(static_cast<Type>(0xfe), 0, 1, "x") + call(3, "/b"))}) ==
        given_up + next);
  // The rest of a block whose beginning is gone.
  CHECK(tell_begun({ask(frame(Type::kContinuation, h2::kEndHeaders, 1, block) + call(3, "/b"))}) ==
        "C1 unknown: its beginning was not seen\n" + next);
  CHECK(counters({ask(front + call(3, "/b"))}).violations == 1);
}

TEST_CASE("A frame that ends the connection for its peers is passed over and counted") {
  const std::vector<std::string> wrong = {
      frame(Type::kData, 0, 0, "x"),           frame(Type::kHeaders, 4, 0, "x"),
      frame(Type::kReset, 0, 1, "12345"),      frame(Type::kReset, 0, 0, "1234"),
      frame(Type::kSettings, 0, 0, "12345"),   frame(Type::kSettings, 0, 1, ""),
      frame(Type::kSettings, 1, 0, "123456"),  frame(Type::kPing, 0, 0, "1234567"),
      frame(Type::kPing, 0, 3, "12345678"),    frame(Type::kGoAway, 0, 0, "1234567"),
      frame(Type::kWindowUpdate, 0, 0, "12"),  frame(Type::kData, h2::kPadded, 1, ""),
      frame(Type::kHeaders, 0x2c, 1, "12345"), frame(Type::kPushPromise, 4, 1, "123"),
      frame(Type::kContinuation, 4, 0, "")};
  for (const auto& bytes : wrong) {
    CHECK(tell_begun({ask(bytes + call(1, "/a"))}) == kCall1);
    CHECK(counters({ask(bytes + call(1, "/a"))}).violations == 1);
  }
  // Padding beyond the frame: the block is lost.
  CHECK(tell_begun({ask(frame(Type::kHeaders, 0xc, 1,
                              "\x09"
                              "abc") +
                        call(3, "/b"))})
            .starts_with("C1 unknown: padding longer than its frame\nC3 headers"));
}

TEST_CASE("Frames of unknown types are passed over, reserved bits and flags do not count") {
  auto odd = call(1, "/a");
  odd[4] = static_cast<char>(odd[4] | 0xd0);
  odd[5] = static_cast<char>(odd[5] | 0x80);
  CHECK(tell_begun({ask(frame(static_cast<Type>(0x10), 0xff, 0, std::string(40000, 'x')) + odd +
                        frame(Type::kPriority, 0, 3, "12345") +
                        frame(Type::kWindowUpdate, 0, 0, "1234"))}) == kCall1);
}

TEST_CASE("Resets and goodbyes") {
  CHECK(tell_begun(
            {ask(call(1, "/a") + data(1, from_hex("0000"))),
             reply(frame(Type::kReset, 0, 1, big_endian(8, 4))),
             reply(frame(Type::kGoAway, 0, 0, big_endian(1, 4) + big_endian(2, 4) + "bye"))}) ==
        kCall1 + "C1 skipped 0, cut: \nA1 reset 8\nA goes away after 1: 2\n");
}

TEST_CASE("Bytes within a payload that were not seen leave the frames where they are") {
  const auto skip = data(1, std::string(5000, 'x'));
  CHECK(tell_begun({ask(call(1, "/a") + skip.substr(0, 9)), hole(Sender::kConnector, 5000),
                    ask(call(3, "/b"))}) ==
        kCall1 +
            "C1 skipped 0, unframed: \n"
            "C3 headers :method=POST :path=/b content-type=application/grpc\n");
  // Beyond the frame: lost, and no guess is made where they go on.
  CHECK(tell_begun({ask(call(1, "/a") + skip.substr(0, 9)), hole(Sender::kConnector, 5001),
                    ask(call(3, "/b") + call(5, "/c") + call(7, "/d")), reply(answer(1))}) ==
        kCall1 +
            "C1 skipped 0, unframed: \nC broken: bytes between frames were not seen\n"
            "A1 headers :status=200 content-type=application/grpc\n");
}

TEST_CASE("A header block of which bytes were not seen makes its table unknown") {
  const auto entered = frame(Type::kHeaders, h2::kEndHeaders, 1, from_hex("8345022f61"));
  const auto again = [](std::uint32_t id) {
    return frame(Type::kHeaders, h2::kEndHeaders, id, from_hex("83be"));
  };
  const auto lost = frame(Type::kHeaders, h2::kEndHeaders, 5, from_hex("834001610162"));
  CHECK(tell_begun({ask(entered + again(3) + lost.substr(0, 10)), hole(Sender::kConnector, 2),
                    ask(lost.substr(12) + again(7) +
                        frame(Type::kHeaders, h2::kEndHeaders, 9, from_hex("8345022f62be")))}) ==
        "C1 headers :method=POST :path=/a\nC3 headers :method=POST :path=/a\n"
        "C5 unknown: bytes of a header block were not seen\nC7 headers :method=POST ?=?\n"
        "C9 headers :method=POST :path=/b :path=/b\n");
  CHECK(counters({ask(entered + lost.substr(0, 10)), hole(Sender::kConnector, 5), ask(again(7))})
            .fields_unknown == 1);
}

TEST_CASE("Of padding and what is said for debugging nothing need be seen") {
  const auto block = plain_call("/a");
  const auto head = frame(Type::kHeaders, 0xc, 1, padded(block, 50));
  const auto bye =
      frame(Type::kGoAway, 0, 0, big_endian(1, 4) + big_endian(0, 4) + std::string(30, 'x'));
  const auto body = frame(Type::kData, h2::kPadded, 1, padded("hello", 50));
  const auto front = [](const std::string& bytes, std::size_t hidden) {
    return bytes.substr(0, bytes.size() - hidden);
  };
  CHECK(tell_begun({ask(front(head, 50)), hole(Sender::kConnector, 50), ask(front(body, 50)),
                    hole(Sender::kConnector, 50), ask(front(bye, 30)), hole(Sender::kConnector, 30),
                    ask(call(3, "/b"))}) ==
        "C1 headers :method=POST :path=/a\nC1 body hello\nC goes away after 1: 0\n"
        "C3 headers :method=POST :path=/b content-type=application/grpc\n");
  // How long the padding is must be seen.
  CHECK(tell_begun({ask(front(head, 50) + std::string(50, '\0') + front(body, 56)),
                    hole(Sender::kConnector, 1), ask(body.substr(10) + call(3, "/b"))}) ==
        "C1 headers :method=POST :path=/a\nC1 hole 0\n"
        "C3 headers :method=POST :path=/b content-type=application/grpc\n");
}

TEST_CASE("The kernel's mark finds the frames again") {
  struct Sink final : NoSink {
    std::string text;
    void synced(Sender, h2::Sync how) override { text += how == h2::Sync::kMark ? "M" : "S"; }
    void headers(const h2::Stream& s, Sender, const h2::HeaderBlock& block) override {
      text += std::to_string(s.id) + std::string(block.list.field(":path"));
    }
    void message(const h2::Stream&, Sender, const grpc::Message& m) override { text += m.bytes; }
    void message_skipped(const h2::Stream&, Sender, const grpc::Skipped&) override { text += "X"; }
    void broken(Sender, std::string_view) override { text += "!"; }
  } sink;
  h2::Connection connection({}, sink);
  std::uint64_t pos = 0;
  const auto feed = [&](const std::string& bytes) {
    connection.feed(Sender::kConnector, pos, bytes, true);
    pos += bytes.size();
  };
  feed(client_start() + call(1, "/a") + data(1, grpc_message("one")));
  connection.hole(Sender::kConnector, 100);
  pos += 100;
  CHECK(connection.lost(Sender::kConnector));
  feed(data(1, grpc_message("two")));
  connection.resync(Sender::kConnector);
  // Where the messages of the first stream begin is not known any more.
  feed(data(1, grpc_message("three")) + call(3, "/b") + data(3, grpc_message("four")));
  CHECK(sink.text == "S1/aoneX!M3/bfour");
  CHECK(connection.counters().sides_lost == 1);
}

TEST_CASE("The kernel's mark may stand at the preface") {
  struct Sink final : NoSink {
    std::string text;
    void headers(const h2::Stream&, Sender, const h2::HeaderBlock& block) override {
      text += std::string(block.list.field(":path"));
    }
  } sink;
  h2::Connection connection({.midway = true}, sink);
  connection.resync(Sender::kConnector);
  connection.feed(Sender::kConnector, 0, client_start() + call(1, "/a"), true);
  CHECK(sink.text == "/a");
}

TEST_CASE("A connection met at its preface is read from there") {
  const h2::Options midway{.midway = true};
  const auto begun = std::string(h2::kPreface) + settings() + call(1, "/a");
  const auto whole = tell_all({ask(begun)}, midway);
  CHECK(whole.find("/a") != std::string::npos);
  // The rest of its first call comes without any sign of where a call begins.
  for (const std::size_t cut : {1u, 23u, 24u, 30u}) {
    CHECK(tell_all({ask(begun.substr(0, cut)), ask(begun.substr(cut))}, midway) == whole);
  }
}

TEST_CASE("Frames of a connection met midway are found where a socket call begins") {
  const h2::Options midway{.midway = true};
  const auto three = call(5, "/a") + data(5, grpc_message("hello")) + call(7, "/b");
  CHECK(tell_all({ask("rest of a frame"), ask(three)}, midway) ==
        "C guessed\nC5 headers :method=POST :path=/a content-type=application/grpc\n"
        "C5 message hello\nC7 headers :method=POST :path=/b content-type=application/grpc\n");
  // Over several calls, of which the first ones begin with no frame.
  CHECK(tell_all({ask("garbage at first"), ask(three.substr(0, 20)), ask(three.substr(20, 4)),
                  ask(three.substr(24))},
                 midway)
            .starts_with("C guessed\nC5 headers"));
  // Not within a call, not with two headers, not through a hole.
  CHECK(tell_all({ask("x" + three)}, midway).empty());
  CHECK(tell_all({ask(call(5, "/a") + data(5, "xxxxxx"))}, midway).empty());
  CHECK(tell_all({ask(three.substr(0, 50)), hole(Sender::kConnector, 1), ask(three.substr(51))},
                 midway)
            .empty());
}

TEST_CASE("A wrong guess is found out and made anew") {
  const h2::Options midway{.midway = true};
  const auto ping = frame(Type::kPing, 0, 0, "12345678");
  const auto wrong = frame(Type::kPing, 0, 7, "12345678");
  const std::string broken = "C guessed\nC broken: a frame of the connection has a stream\n";
  // Not in the middle of the call.
  CHECK(tell_all({ask(ping + ping + ping + wrong.substr(0, 9) + ping + ping + ping)}, midway) ==
        broken);
  CHECK(tell_all({ask(ping + ping + ping + wrong + ping), ask(ping + ping + ping)}, midway) ==
        broken + "C guessed\n");
}

TEST_CASE("A chain of headers is one that a peer could have sent") {
  const auto ping = frame(Type::kPing, 0, 0, "12345678");
  const auto part = frame(Type::kHeaders, 0, 1, "x");
  const auto rest = frame(Type::kContinuation, h2::kEndHeaders, 1, "x");
  CHECK(find_chain(ping + ping + ping) == Chain::kFound);
  CHECK(find_chain(ping + ping + ping.substr(0, 8)) == Chain::kMore);
  CHECK(find_chain(part + rest + ping) == Chain::kFound);
  CHECK(find_chain(part + ping + ping) == Chain::kNone);
  CHECK(find_chain(ping + rest + ping) == Chain::kNone);
  CHECK(find_chain(std::string(100, '\0')) == Chain::kNone);
  CHECK(find_chain(std::string(100, '\xff')) == Chain::kNone);
  CHECK(find_chain(frame(Type::kData, 0x10, 1, "") + ping + ping) == Chain::kNone);
  CHECK(find_chain(frame(static_cast<Type>(10), 0, 1, "") + ping + ping) == Chain::kNone);
  CHECK(find_chain(frame(Type::kData, 0, 1, std::string(16385, 'x'))) == Chain::kNone);
}
