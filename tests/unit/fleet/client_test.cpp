// One server and clusters, as they are and as they fail; time is the test's.
#include "fleet/client.h"

#include <catch2/catch_test_macros.hpp>
#include <optional>
#include <string>
#include <vector>

#include "unit/fleet/fake_server.h"

using namespace kilnwatch;
using fleet::kMillisecond;
using fleet::kSecondNs;
using fleet::Node;
using fleet::Reply;
using test::Words;

namespace {

const Node kSeed{"a.test", 6379}, kOther{"192.0.2.2", 7000};

struct Bench {
  explicit Bench(fleet::Login login = {}) : client(dialer, kSeed, std::move(login), 7) {
    dialer.servers[kSeed];
  }
  test::FakeServer& server(const Node& node = kSeed) { return dialer.servers[node]; }
  bool send(fleet::Client::Tag tag, const std::string& key = "k") {
    return client.send(tag, fleet::slot_of(key), fleet::command({"GET", key}), now);
  }
  // Until nothing moves any more.
  std::vector<fleet::Client::Done> run(int rounds = 200) {
    std::vector<fleet::Client::Done> out;
    for (int i = 0; i < rounds; ++i) {
      client.run(now);
      for (auto& done : client.take()) out.push_back(std::move(done));
    }
    return out;
  }
  test::FakeDialer dialer;
  fleet::Client client;
  fleet::TimeNs now = 100 * kSecondNs;
};

std::optional<std::string> text_of(const std::vector<fleet::Client::Done>& done, std::size_t at) {
  if (at >= done.size() || !done[at].reply) return std::nullopt;
  return done[at].reply->text;
}

}  // namespace

TEST_CASE("Commands are answered in any pieces, in their order") {
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 64u, 4096u}) {
    Bench bench({"sensor", "geheim", 3});
    bench.server().piece = piece;
    bench.server().keys = {{"k", "v"}, {"l", std::string(300, 'x')}};
    for (fleet::Client::Tag tag = 1; tag <= 3; ++tag)
      CHECK(bench.send(tag, tag == 2 ? "l" : tag == 1 ? "k" : "missing"));
    const auto done = bench.run(2000);
    REQUIRE(done.size() == 3);
    CHECK(text_of(done, 0) == "v");
    CHECK(text_of(done, 1) == std::string(300, 'x'));
    CHECK(done[2].reply->kind == Reply::Kind::kNothing);
    REQUIRE(bench.server().heard.size() == 5);
    CHECK(bench.server().heard[0] == Words{"AUTH", "sensor", "geheim"});
    CHECK(bench.server().heard[1] == Words{"SELECT", "3"});
    CHECK(bench.client.logins() == 1);
    CHECK_FALSE(bench.client.is_away());
  }
}

TEST_CASE("A password without a user is the default user's, no password is no login") {
  Bench with({"", "geheim", 0}), without;
  with.send(1);
  without.send(1);
  with.run();
  without.run();
  CHECK(with.server().heard.at(0) == Words{"AUTH", "geheim"});
  CHECK(without.server().heard.at(0) == Words{"GET", "k"});
}

TEST_CASE("A login that is refused ends it, and nothing else was said before") {
  for (const char* said :
       {"-WRONGPASS invalid username-password pair\r\n",
        "-ERR unknown command 'AUTH', with args beginning with: 'geheim'\r\n", "-geheim\r\n"}) {
    Bench bench({"sensor", "geheim", 0});
    bench.server().says = [&](const Words&) { return said; };
    CHECK(bench.send(1));
    const auto done = bench.run();
    REQUIRE(done.size() == 1);
    CHECK_FALSE(done[0].reply);
    CHECK(bench.client.is_away());
    CHECK(bench.client.fault().find("refuses the login") != std::string::npos);
    CHECK(bench.client.fault().find("geheim") == std::string::npos);
    CHECK(bench.server().heard.size() == 1);
    CHECK_FALSE(bench.send(2));  // not at once
    bench.now += kSecondNs;
    bench.server().says = nullptr;
    CHECK(bench.send(3));
    CHECK(bench.run().at(0).reply);
    CHECK_FALSE(bench.client.is_away());
    CHECK(bench.client.fault().empty());
  }
}

TEST_CASE("A server that does not answer is left in time, whatever it does not answer") {
  SECTION("the knock") {
    Bench bench;
    bench.server().up = false;
    CHECK(bench.send(1));
    CHECK(bench.run().empty());
    CHECK(bench.client.due(bench.now) == bench.now + fleet::kConnectWait);
    bench.now += fleet::kConnectWait;
    CHECK(bench.run().size() == 1);
    CHECK(bench.client.is_away());
  }
  SECTION("the login") {
    Bench bench({"", "geheim", 0});
    bench.server().says = [](const Words&) { return std::nullopt; };
    CHECK(bench.send(1));
    CHECK(bench.run().empty());
    bench.now += fleet::kReplyWait;
    CHECK(bench.run().size() == 1);
    CHECK(bench.client.is_away());
  }
  SECTION("a command") {
    Bench bench;
    bench.server().says = [](const Words&) { return std::nullopt; };
    CHECK(bench.send(1));
    CHECK(bench.run().empty());
    bench.now += fleet::kReplyWait - 1;
    CHECK(bench.run().empty());
    bench.now += 1;
    const auto done = bench.run();
    REQUIRE(done.size() == 1);
    CHECK_FALSE(done[0].reply);
    CHECK(bench.client.is_away());
  }
}

TEST_CASE("A server that is gone is tried again, later and later, and found again") {
  Bench bench;
  bench.server().refuses = true;
  fleet::TimeNs longest = 0;
  for (int round = 0; round < 12; ++round) {
    CHECK(bench.send(1));
    CHECK(bench.run().size() == 1);
    CHECK(bench.client.is_away());
    CHECK_FALSE(bench.send(1));
    const auto due = bench.client.due(bench.now);
    REQUIRE(due > bench.now);
    CHECK(due - bench.now >= fleet::kFirstRetry / 2);
    CHECK(due - bench.now <= fleet::kLastRetry);
    longest = std::max(longest, due - bench.now);
    bench.now = due;
  }
  CHECK(longest >= fleet::kLastRetry / 2);
  bench.server().refuses = false;
  CHECK(bench.send(1));
  CHECK(bench.run().at(0).reply);
  CHECK_FALSE(bench.client.is_away());
}

TEST_CASE("A connection that breaks loses no command without a word") {
  Bench bench;
  bench.server().says = [](const Words&) { return std::nullopt; };
  CHECK(bench.send(1));
  CHECK(bench.send(2));
  CHECK(bench.run().empty());
  bench.server().hangs_up = true;
  CHECK(bench.send(3));
  const auto done = bench.run();
  REQUIRE(done.size() == 3);
  for (const auto& one : done) CHECK_FALSE(one.reply);
}

TEST_CASE("A server that closes what is idle is not away") {
  Bench bench;
  CHECK(bench.send(1));
  CHECK(bench.run().size() == 1);
  bench.server().hangs_up = true;
  CHECK(bench.run().empty());
  CHECK_FALSE(bench.client.is_away());
  bench.server().hangs_up = false;
  CHECK(bench.send(2));
  CHECK(bench.run().at(0).reply);
  CHECK(bench.server().connections == 2);
}

TEST_CASE("What is idle is given back") {
  Bench bench;
  CHECK(bench.send(1));
  bench.run();
  std::vector<pollfd> ends;
  bench.client.waits_for(ends);
  CHECK(ends.size() == 1);
  CHECK(bench.client.due(bench.now) == bench.now + fleet::kIdle);
  bench.now += fleet::kIdle;
  bench.run();
  ends.clear();
  bench.client.waits_for(ends);
  CHECK(ends.empty());
  CHECK(bench.client.due(bench.now) > bench.now + 1000 * kSecondNs);
}

TEST_CASE("What is no server of this kind is left") {
  for (const std::string said : {"HTTP/1.1 400 Bad Request\r\n\r\n", "*2147483647\r\n", "\r\n"}) {
    Bench bench;
    bench.server().says = [&](const Words&) { return said; };
    CHECK(bench.send(1));
    const auto done = bench.run();
    REQUIRE(done.size() == 1);
    CHECK_FALSE(done[0].reply);
    CHECK(bench.client.is_away());
  }
  Bench twice;  // more answers than questions
  twice.server().says = [](const Words&) { return "+OK\r\n+OK\r\n"; };
  CHECK(twice.send(1));
  CHECK(twice.run().size() == 1);
  CHECK(twice.server().connections == 1);
}

// What takes connections need not answer on them: a proxy whose server is gone, a process that
// stands still.
TEST_CASE("Who takes connections and does not serve stays away until he does") {
  // With a mark before it: a greeting is answered.
  for (const std::string text :
       {"", "HTTP/1.1 400 Bad Request\r\n\r\n", "-ERR max number of clients reached\r\n",
        "-DENIED Redis is running in protected mode\r\n", "-NOAUTH Authentication\r\n",
        "!-LOADING the dataset\r\n", "!-MISCONF unable\r\n", "!-READONLY You can't\r\n"}) {
    INFO(text);
    Bench bench;
    bench.server().says = [&](const Words& words) -> std::optional<std::string> {
      if (text.empty()) return std::nullopt;
      if (text[0] != '!') return text;
      return words[0] == "HELLO" ? "*0\r\n" : text.substr(1);
    };
    fleet::Client::Tag tag = 0;
    const auto look = [&] {
      bench.now += 100 * kMillisecond;
      bench.client.reach(bench.now);
      if (bench.client.is_there() || tag == 0) (void)bench.send(++tag);
      bench.run(10);
      return bench.client.is_away();
    };
    for (int i = 0; i < 31; ++i) (void)look();
    const int before = bench.server().connections;
    int away = 0;
    for (int i = 0; i < 600; ++i) away += look() ? 1 : 0;  // a minute
    CHECK(away == 600);
    CHECK_FALSE(bench.client.fault().empty());
    CHECK(bench.server().connections - before < 20);
    bench.server().says = nullptr;
    for (int i = 0; i < 300 && look(); ++i) continue;
    CHECK_FALSE(bench.client.is_away());
  }
}

TEST_CASE("Who served before is not greeted again") {
  Bench bench;
  for (fleet::Client::Tag tag = 1; tag < 4; ++tag) {
    CHECK(bench.send(tag));
    CHECK(bench.run().size() == 1);
    bench.now += fleet::kIdle;
    bench.run();
  }
  CHECK(bench.server().connections == 3);
  CHECK(bench.server().greetings == 1);
}

TEST_CASE("Who has too many clients says so to a command, too, and that is no refusal of it") {
  Bench bench;
  CHECK(bench.send(1));
  CHECK(bench.run().at(0).reply);
  bench.now += fleet::kIdle;
  bench.run();
  bench.server().says = [](const Words&) { return "-ERR max number of clients reached\r\n"; };
  CHECK(bench.send(2));
  const auto done = bench.run();
  REQUIRE(done.size() == 1);
  CHECK_FALSE(done[0].reply);
  CHECK(bench.client.is_away());
  CHECK(bench.client.fault().find("maxclients") != std::string::npos);
}

TEST_CASE("MOVED is followed, and remembered") {
  Bench bench;
  const auto slot = std::to_string(fleet::slot_of("k"));
  bench.server().says = [&](const Words& words) {
    if (words[0] != "GET") return test::status("OK");
    return test::fault("MOVED " + slot + " 192.0.2.2:7000");
  };
  bench.server(kOther).keys["k"] = "v";
  bench.server(kOther).says = [&](const Words& words) {
    if (words[0] == "CLUSTER")
      return std::string("*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$0\r\n\r\n:7000\r\n");
    return bench.server(kOther).keep(words);
  };
  CHECK(bench.send(1));
  CHECK(text_of(bench.run(), 0) == "v");
  CHECK(bench.server(kOther).heard.at(0) == Words{"CLUSTER", "SLOTS"});
  CHECK(bench.send(2));
  CHECK(bench.send(3, "elsewhere"));  // the whole map was told
  CHECK(bench.run().size() == 2);
  CHECK(bench.server().heard.size() == 1);
  CHECK(bench.server(kOther).heard.size() == 4);
}

TEST_CASE("ASK is followed once, and announced") {
  Bench bench;
  const auto slot = std::to_string(fleet::slot_of("k"));
  bench.server().says = [&](const Words&) {
    return test::fault("ASK " + slot + " 192.0.2.2:7000");
  };
  bench.server(kOther).keys["k"] = "v";
  for (fleet::Client::Tag tag = 1; tag <= 2; ++tag) {
    CHECK(bench.send(tag));
    CHECK(text_of(bench.run(), 0) == "v");
  }
  CHECK(bench.server().heard.size() == 2);
  CHECK(bench.server(kOther).heard ==
        std::vector<Words>{{"ASKING"}, {"GET", "k"}, {"ASKING"}, {"GET", "k"}});
}

TEST_CASE("Redirects in a circle end") {
  Bench bench;
  const auto slot = std::to_string(fleet::slot_of("k"));
  bench.server().says = [&](const Words& words) {
    return words[0] == "GET" ? test::fault("MOVED " + slot + " 192.0.2.2:7000")
                             : test::fault("ERR no");
  };
  bench.server(kOther).says = [&](const Words& words) {
    return words[0] == "GET" ? test::fault("MOVED " + slot + " a.test:6379")
                             : test::fault("ERR no");
  };
  CHECK(bench.send(1));
  const auto done = bench.run();
  REQUIRE(done.size() == 1);
  CHECK_FALSE(done[0].reply);
}

TEST_CASE("A node of a cluster that dies takes what it had with it, the others answer") {
  Bench bench;
  const auto slot = std::to_string(fleet::slot_of("k"));
  bool moved = true;
  bench.server().says = [&](const Words& words) {
    if (moved && words[0] == "GET" && words[1] == "k")
      return test::fault("MOVED " + slot + " 192.0.2.2:7000");
    return bench.server().keep(words);
  };
  bench.server(kOther).keys["k"] = "v";
  CHECK(bench.send(1));
  CHECK(text_of(bench.run(), 0) == "v");
  bench.server(kOther).hangs_up = true;
  CHECK(bench.send(2));
  CHECK(bench.send(3, "l"));
  const auto done = bench.run();
  REQUIRE(done.size() == 2);
  for (const auto& one : done) CHECK(one.reply.has_value() == (one.tag == 3));
  CHECK_FALSE(bench.client.is_away());
  moved = false;  // the seed has taken over
  CHECK(bench.send(4));
  CHECK(bench.run().at(0).reply);
}

TEST_CASE("A redirect to nowhere is no answer, and no end") {
  Bench bench;
  bench.server().says = [&](const Words&) { return test::fault("MOVED 1 nowhere.test:1"); };
  CHECK(bench.send(1));
  const auto done = bench.run();
  REQUIRE(done.size() == 1);
  CHECK_FALSE(done[0].reply);
  CHECK_FALSE(bench.client.is_away());
}

TEST_CASE("What cannot be done now may be tried again; what is refused is told") {
  for (const char* code :
       {"LOADING", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "BUSY", "READONLY"}) {
    Bench bench;
    bench.server().says = [&](const Words&) { return test::fault(std::string(code) + " later"); };
    CHECK(bench.send(1));
    const auto done = bench.run();
    REQUIRE(done.size() == 1);
    CHECK_FALSE(done[0].reply);
    CHECK(bench.client.fault() == std::string("it says ") + code);
  }
  Bench bench;
  bench.server().says = [](const Words&) { return test::fault("NOPERM this user has no…"); };
  CHECK(bench.send(1));
  CHECK(bench.run().at(0).reply->is_error("NOPERM"));
}
