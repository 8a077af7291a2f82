// Bytes of a server, whole, in pieces and hostile; where keys lie in a cluster.
#include "fleet/reply.h"

#include <catch2/catch_test_macros.hpp>
#include <random>
#include <string>
#include <vector>

#include "fleet/cluster.h"

using namespace kilnwatch;
using fleet::Node;
using fleet::Reply;
using Kind = fleet::Reply::Kind;

namespace {

constexpr const char* kMixed =
    "+OK\r\n-MOVED 3999 "
    "192.0.2.1:6381\r\n:-7\r\n$-1\r\n$0\r\n\r\n$5\r\na\r\nbc\r\n*2\r\n:1\r\n*1\r\n$"
    "1\r\nx\r\n*-1\r\n";

std::vector<Reply> read(const std::string& text, std::size_t piece) {
  fleet::Reader reader;
  std::vector<Reply> out;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    reader.feed(std::string_view(text).substr(at, piece));
    for (;;) {
      auto reply = reader.next();
      REQUIRE(reply);
      if (!*reply) break;
      out.push_back(std::move(**reply));
    }
  }
  return out;
}

// The error of the whole text; empty: none.
std::string error_of(const std::string& text) {
  fleet::Reader reader;
  for (std::size_t at = 0; at < text.size(); at += 4096) {
    reader.feed(std::string_view(text).substr(at, 4096));
    for (;;) {
      const auto reply = reader.next();
      if (!reply) return reply.error().message;
      if (!*reply) break;
    }
  }
  return "";
}

Reply error(const std::string& text) { return {Kind::kError, text, 0, {}}; }
Reply number(std::int64_t value) { return {Kind::kNumber, "", value, {}}; }
Reply text(const std::string& value) { return {Kind::kText, value, 0, {}}; }
Reply list(std::vector<Reply> items) { return {Kind::kList, "", 0, std::move(items)}; }

}  // namespace

TEST_CASE("Replies are the same however their bytes come") {
  for (std::size_t piece = 1; piece <= std::string(kMixed).size(); ++piece) {
    const auto replies = read(kMixed, piece);
    REQUIRE(replies.size() == 8);
    CHECK(replies[0].kind == Kind::kText);
    CHECK(replies[0].text == "OK");
    CHECK(replies[1].is_error("MOVED"));
    CHECK(replies[2].number == -7);
    CHECK(replies[3].kind == Kind::kNothing);
    CHECK(replies[4].kind == Kind::kText);
    CHECK(replies[5].text == "a\r\nbc");
    REQUIRE(replies[6].items.size() == 2);
    CHECK(replies[6].items[0].number == 1);
    CHECK(replies[6].items[1].items.at(0).text == "x");
    CHECK(replies[7].items.empty());
  }
}

TEST_CASE("What is no reply, or is beyond all limits, is an error and costs nothing") {
  CHECK(error_of("HTTP/1.1 400 Bad Request\r\n") != "");
  CHECK(error_of(std::string("\x15\x03\x01\0\x02\x02\x28", 7)) != "");
  CHECK(error_of("*2147483647\r\n") != "");
  CHECK(error_of("*1000000000000000000000\r\n") != "");
  CHECK(error_of("$9223372036854775807\r\n" + std::string(fleet::kMaxReply + 8192, 'x')) != "");
  CHECK(error_of("$" + std::to_string(fleet::kMaxReply + 1) + "\r\n" +
                 std::string(fleet::kMaxReply + 1, 'x') + "\r\n") != "");
  CHECK(error_of("+" + std::string(2 * fleet::kMaxReply, 'x')) != "");
  // Lists in lists, each of them small.
  std::string nested = "*8000\r\n";
  for (int i = 0; i < 8000; ++i) nested += "*100\r\n:1\r\n";
  CHECK(error_of(nested) != "");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "*1\r\n";
  CHECK(error_of(deep) != "");
  // At the limits it is none.
  CHECK(error_of("$" + std::to_string(fleet::kMaxReply - 64) + "\r\n" +
                 std::string(fleet::kMaxReply - 64, 'x') + "\r\n") == "");
}

TEST_CASE("No spoilt reply brings the reader down") {
  std::mt19937 random(7);
  const std::string good = kMixed;
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string spoilt = good;
    for (int change = 0; change < 3; ++change) {
      static constexpr std::string_view kBytes = "+-:$*\r\n0123456789x";
      const std::size_t at = random() % spoilt.size();
      if (random() % 2 == 0)
        spoilt[at] = kBytes[random() % kBytes.size()];
      else
        spoilt.erase(at, 1);
    }
    if (!error_of(spoilt).empty()) ++refused;
  }
  CHECK(refused > 1000);
}

TEST_CASE("A server's code is told, what stands behind it is not") {
  CHECK(fleet::error_code(error("NOAUTH Authentication required.")) == "NOAUTH");
  CHECK(fleet::error_code(error("ERR unknown command 'AUTH', with args: 'geheim'")) == "ERR");
  CHECK(fleet::error_code(error("geheim")) == "an error");
  CHECK(fleet::error_code(error("")) == "an error");
  CHECK(fleet::error_code(error(std::string(33, 'A'))) == "an error");
}

TEST_CASE("Commands are bytes as servers read them") {
  CHECK(fleet::command({"SET", "k", ""}) == "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
  CHECK(fleet::command({std::string_view("a\0b", 3)}) == std::string("*1\r\n$3\r\na\0b\r\n", 13));
}

TEST_CASE("Keys lie in the slots where servers look for them") {
  CHECK(fleet::slot_of("123456789") == 12739);  // of the specification
  CHECK(fleet::slot_of("foo") == 12182);
  CHECK(fleet::slot_of("{foo}bar") == 12182);
  CHECK(fleet::slot_of("x{foo}{bar}") == 12182);
  CHECK(fleet::slot_of("{}foo") == fleet::slot_of("{}foo"));
  CHECK(fleet::slot_of("{}foo") != fleet::slot_of(""));
  CHECK(fleet::slot_of("") == 0);
}

TEST_CASE("Redirects name a slot and a node") {
  const Node from{"192.0.2.9", 6379};
  const auto moved = fleet::redirect_of(error("MOVED 3999 192.0.2.1:6381"), from);
  REQUIRE(moved);
  CHECK_FALSE(moved->once);
  CHECK(moved->slot == 3999);
  CHECK(moved->node == Node{"192.0.2.1", 6381});
  const auto ask = fleet::redirect_of(error("ASK 0 2001:db8::1:6381"), from);
  REQUIRE(ask);
  CHECK(ask->once);
  CHECK(ask->node == Node{"2001:db8::1", 6381});
  CHECK(fleet::redirect_of(error("MOVED 1 :7000"), from)->node == Node{"192.0.2.9", 7000});
  CHECK(fleet::redirect_of(error("MOVED 1 ?:7000"), from)->node == Node{"192.0.2.9", 7000});
  for (const char* wrong :
       {"MOVED", "MOVED ", "MOVED 1", "MOVED 16384 a:1", "MOVED -1 a:1", "MOVED 1 a:0",
        "MOVED 1 a:65536", "MOVED 1 a:", "MOVED 1 a", "MOVED x a:1", "ERR MOVED 1 a:1"})
    CHECK_FALSE(fleet::redirect_of(error(wrong), from));
  CHECK_FALSE(fleet::redirect_of(error("MOVED 1 " + std::string(254, 'a') + ":1"), from));
  CHECK_FALSE(fleet::redirect_of(text("MOVED 1 a:1"), from));
}

TEST_CASE("The map of slots is learnt, and corrected one by one") {
  const Node seed{"a", 1}, b{"b", 2}, c{"c", 3};
  fleet::Slots slots;
  CHECK(slots.find(0) == nullptr);
  const auto range = [](int first, int last, const Node& node) {
    return list({number(first), number(last), list({text(node.host), number(node.port)})});
  };
  slots.learn(list({range(0, 8191, b), range(8192, 16383, c)}), seed);
  CHECK(*slots.find(0) == b);
  CHECK(*slots.find(8191) == b);
  CHECK(*slots.find(8192) == c);
  CHECK(*slots.find(16383) == c);
  slots.set(100, c);
  CHECK(*slots.find(99) == b);
  CHECK(*slots.find(100) == c);
  CHECK(*slots.find(101) == b);
  CHECK(slots.size() == 4);
  // What is none of one changes nothing.
  slots.learn(error("ERR This instance has cluster support disabled"), seed);
  slots.learn(list({list({number(5), number(2), list({text("x"), number(1)})}), number(1),
                    list({number(0), number(20'000), list({text("x"), number(1)})}),
                    list({number(0), number(1), list({text("x"), number(0)})})}),
              seed);
  CHECK(slots.size() == 4);
  slots.learn(list({range(0, 16383, b)}), seed);
  CHECK(slots.size() == 1);
  for (fleet::Slot i = 0; i < fleet::kSlots; i += 2) slots.set(i, i % 4 == 0 ? c : seed);
  CHECK(slots.size() <= fleet::kMaxRanges + 1);
}
