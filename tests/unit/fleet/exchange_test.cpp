// Who is the first, what waits for a server that is away, and how much one host may teach.
#include "fleet/exchange.h"

#include <catch2/catch_test_macros.hpp>
#include <map>
#include <string>

#include "unit/fleet/fake_server.h"

using namespace kilnwatch;
using fleet::Answer;
using fleet::Job;
using fleet::kSecondNs;
using test::Words;
using Kind = fleet::Answer::Kind;

namespace {

const fleet::Node kSeed{"a.test", 6379};

// One sensor of those that share a dialer.
struct Sensor {
  Sensor(test::FakeDialer& dialer, const std::string& name,
         std::size_t per_hour = fleet::kTaughtPerHour, bool teaches = true)
      : client(dialer, kSeed, {}, 7),
        exchange(client, name, fleet::Quota(per_hour), teaches),
        name_(name) {}

  fleet::Fleet::Ticket ask(const std::string& key) {
    exchange.submit({Job::Kind::kAsk, ++ticket, fleet::kDestination + key, name_ + " host b1", 60});
    return ticket;
  }
  void touch(const std::string& key) {
    exchange.submit({Job::Kind::kTouch, 0, fleet::kDestination + key, name_ + " host b1", 60});
  }
  fleet::Fleet::Ticket ask_image(const std::string& id) {
    exchange.submit({Job::Kind::kAskImage, ++ticket, fleet::kImage + id, "", 0});
    return ticket;
  }
  void share(const std::string& id, const std::string& note) {
    exchange.submit({Job::Kind::kShareImage, 0, fleet::kImage + id, note, 60});
  }
  void run(int rounds = 50) {
    for (int i = 0; i < rounds; ++i) {
      exchange.run(now);
      for (auto& posted : exchange.take()) answers[posted.ticket] = posted.answer;
    }
  }
  Answer answered(fleet::Fleet::Ticket at) {
    run();
    REQUIRE(answers.contains(at));
    return answers[at];
  }

  fleet::Client client;
  fleet::Exchange exchange;
  fleet::TimeNs now = 100 * kSecondNs;
  std::map<fleet::Fleet::Ticket, Answer> answers;
  fleet::Fleet::Ticket ticket = 0;

 private:
  std::string name_;
};

struct Bench {
  Bench() { dialer.servers[kSeed]; }
  test::FakeServer& server() { return dialer.servers[kSeed]; }
  std::size_t commands(const std::string& name) {
    std::size_t n = 0;
    for (const Words& words : server().heard) n += words[0] == name ? 1 : 0;
    return n;
  }
  test::FakeDialer dialer;
};

}  // namespace

TEST_CASE("What one sensor learnt is known to the other") {
  Bench bench;
  Sensor a(bench.dialer, "aa"), b(bench.dialer, "bb");
  CHECK(a.answered(a.ask("192.0.2.1 443")).kind == Kind::kNew);
  CHECK(b.answered(b.ask("192.0.2.1 443")).kind == Kind::kKnown);
  CHECK(b.answered(b.ask("192.0.2.1 443 x.test")).kind == Kind::kNew);
  // Its own news are news to it, as long as nobody else brought them.
  CHECK(a.answered(a.ask("192.0.2.1 443")).kind == Kind::kNew);
  CHECK(a.answered(a.ask("192.0.2.1 443 x.test")).kind == Kind::kKnown);
  CHECK(bench.server().keys.at("kilnwatch:1:destination:192.0.2.1 443") == "aa host b1");
  CHECK(bench.server().heard.at(1) ==
        Words{"SET", "kilnwatch:1:destination:192.0.2.1 443", "aa host b1", "NX", "EX", "60"});
  CHECK(a.exchange.stats().taught == 1);
  CHECK(b.exchange.stats().known == 1);
}

TEST_CASE("What came with one look is worked off with it: nothing more would wake it") {
  Bench bench;
  Sensor a(bench.dialer, "aa");
  for (int i = 0; i < 1000; ++i) a.ask("k" + std::to_string(i));
  a.run(1);
  CHECK(a.exchange.is_idle());
  CHECK(a.answers.size() == 1000);
}

TEST_CASE("Of two that ask at the same time one is the first") {
  Bench bench;
  Sensor a(bench.dialer, "aa"), b(bench.dialer, "bb");
  const auto first = a.ask("k"), second = b.ask("k");
  // Both look before either sets.
  for (int i = 0; i < 50; ++i) {
    a.run(1);
    b.run(1);
  }
  CHECK(a.answered(first).kind == Kind::kNew);
  CHECK(b.answered(second).kind == Kind::kKnown);
}

TEST_CASE("Every sighting lets a key live on, and one that is gone is taught again") {
  Bench bench;
  Sensor a(bench.dialer, "aa");
  a.ask("k");
  a.run();
  a.touch("k");
  a.run();
  CHECK(bench.server().heard.back() == Words{"GETEX", "kilnwatch:1:destination:k", "EX", "60"});
  bench.server().keys.clear();
  a.touch("k");
  a.run();
  CHECK(bench.server().keys.size() == 1);
  CHECK(a.exchange.is_idle());
}

TEST_CASE("While the server is away nobody waits, and what was decided is brought there after") {
  Bench bench;
  Sensor a(bench.dialer, "aa");
  bench.server().refuses = true;
  const auto first = a.ask("k0");
  CHECK(a.answered(first).kind == Kind::kNone);
  CHECK(a.client.is_away());
  for (int i = 1; i < 100; ++i)
    CHECK(a.answered(a.ask("k" + std::to_string(i))).kind == Kind::kNone);
  CHECK(a.answered(a.ask_image("sha256:1")).kind == Kind::kNone);
  a.share("sha256:2", "note");
  CHECK(a.exchange.stats().waiting == 101);
  CHECK(bench.server().keys.empty());
  bench.server().refuses = false;
  for (int i = 0; i < 200 && !a.exchange.is_idle(); ++i) {
    a.now = std::max(a.now + 1, a.exchange.due(a.now));
    a.run(1);
  }
  CHECK(bench.server().keys.size() == 101);
  CHECK(bench.server().keys.at("kilnwatch:1:image:sha256:2") == "note");
  CHECK(a.exchange.stats().reconciled == 101);
  CHECK(a.exchange.stats().waiting == 0);
  CHECK(a.answered(a.ask("k5")).kind == Kind::kNew);  // its own
}

TEST_CASE("A connection that breaks amid questions loses none of them") {
  Bench bench;
  Sensor a(bench.dialer, "aa");
  std::size_t heard = 0;
  bench.server().says = [&](const Words& words) -> std::optional<std::string> {
    if (++heard > 30) return std::nullopt;  // and no word more
    return bench.server().keep(words);
  };
  for (int i = 0; i < 40; ++i) a.ask("k" + std::to_string(i));
  a.run();
  CHECK(a.answers.size() < 40);
  bench.server().hangs_up = true;
  a.run();
  CHECK(a.answers.size() == 40);
  bench.server().says = nullptr;
  bench.server().hangs_up = false;
  for (int i = 0; i < 200 && !a.exchange.is_idle(); ++i) {
    a.now = std::max(a.now + 1, a.exchange.due(a.now));
    a.run(1);
  }
  CHECK(a.exchange.is_idle());
  CHECK(bench.server().keys.size() == 40);
}

TEST_CASE("What waits has a limit; what is beyond it is counted and told") {
  Bench bench;
  Sensor a(bench.dialer, "aa");
  bench.server().refuses = true;
  a.ask("first");
  a.run();
  for (std::size_t i = 0; i < fleet::kMaxWaiting + 10; ++i) a.ask("k" + std::to_string(i));
  a.run(1);
  CHECK(a.exchange.stats().waiting == fleet::kMaxWaiting);
  CHECK(a.exchange.stats().crowded == 11);
  CHECK(a.exchange.forgotten().size() == 11);
  CHECK(a.answers.size() == fleet::kMaxWaiting + 11);  // every question has its answer
}

TEST_CASE("One sensor that teaches 10,000 names an hour is capped") {
  Bench bench;
  Sensor a(bench.dialer, "aa"), b(bench.dialer, "bb");
  std::size_t capped = 0;
  for (int i = 0; i < 10'000; ++i) {
    a.now += 3600 * kSecondNs / 10'000;
    const auto ticket = a.ask("k" + std::to_string(i));
    a.run(3);
    REQUIRE(a.answers.contains(ticket));
    CHECK(a.answers[ticket].kind == Kind::kNew);
    capped += a.answers[ticket].capped ? 1 : 0;
  }
  CHECK(bench.server().keys.size() == fleet::kTaughtPerHour);
  CHECK(capped == 10'000 - fleet::kTaughtPerHour);
  CHECK(a.exchange.stats().capped == capped);
  CHECK(a.exchange.forgotten().size() == capped);
  // What was not taught is news to the others, what was is not; others may teach.
  CHECK(b.answered(b.ask("k0")).kind == Kind::kKnown);
  CHECK(b.answered(b.ask("k9999")).kind == Kind::kNew);
  // To ask for what is known costs nothing of it.
  CHECK(a.answered(a.ask("k9999")).kind == Kind::kKnown);
  a.now += 3600 * kSecondNs;
  CHECK_FALSE(a.answered(a.ask("later")).capped);
}

TEST_CASE("In no span of an hour more are taught than may be") {
  constexpr std::uint64_t kMinute = 60 * kSecondNs;
  fleet::Quota quota(10);
  std::vector<std::uint64_t> taken;
  for (std::uint64_t now = 0; now < 300 * kMinute; now += kMinute) {
    if (quota.take(now)) taken.push_back(now);
  }
  CHECK(taken.size() == 50);
  for (std::size_t i = 10; i < taken.size(); ++i) CHECK(taken[i] - taken[i - 10] >= 60 * kMinute);
  fleet::Quota other(1);
  CHECK(other.take(0));
  CHECK_FALSE(other.take(1));
  other.give_back();
  CHECK(other.take(1));
}

TEST_CASE("An image that one host built is known to the other, with what was said of it") {
  Bench bench;
  Sensor a(bench.dialer, "aa"), b(bench.dialer, "bb");
  CHECK(b.answered(b.ask_image("sha256:1")).kind == Kind::kNew);
  a.share("sha256:1", "build b1");
  a.run();
  const auto known = b.answered(b.ask_image("sha256:1"));
  CHECK(known.kind == Kind::kKnown);
  CHECK(known.note == "build b1");
  CHECK(bench.server().heard.back() == Words{"GET", "kilnwatch:1:image:sha256:1"});
}

TEST_CASE("A command that the server refuses is counted, and nobody waits for it") {
  Bench bench;
  Sensor a(bench.dialer, "aa");
  bench.server().says = [](const Words&) { return test::fault("NOPERM no 'getex'"); };
  CHECK(a.answered(a.ask("k")).kind == Kind::kNone);
  CHECK(a.exchange.stats().refused == 1);
  CHECK(a.exchange.refusal() == "NOPERM");
  CHECK(a.exchange.forgotten().size() == 1);
  CHECK(a.exchange.is_idle());
  // One that cannot do it now is asked again a little later.
  bench.server().says = [](const Words&) { return test::fault("LOADING dataset"); };
  CHECK(a.answered(a.ask("l")).kind == Kind::kNone);
  const auto heard = bench.server().heard.size();
  a.run();
  CHECK(bench.server().heard.size() == heard);
  bench.server().says = nullptr;
  a.now += fleet::kNotNowWait;
  a.run();
  CHECK(bench.server().keys.size() == 1);
}

TEST_CASE("A value beyond all limits is refused once, and takes no other question with it") {
  Bench bench;
  Sensor a(bench.dialer, "aa");
  bench.server().keys[std::string(fleet::kDestination) + "k"] =
      std::string(4 * fleet::kMaxReply, 'x');
  const auto big = a.ask("k");
  const auto other = a.ask("l");
  CHECK(a.answered(big).kind == Kind::kNone);
  CHECK(a.exchange.stats().refused == 1);
  CHECK(a.exchange.refusal() == fleet::kTooLarge);
  CHECK(a.answered(other).kind == Kind::kNone);  // it was on the same way, and waits
  a.now += 10 * kSecondNs;
  a.run();
  CHECK(a.exchange.is_idle());
  CHECK(bench.server().keys.contains(std::string(fleet::kDestination) + "l"));
  CHECK_FALSE(a.client.is_away());
}

TEST_CASE("What one node of a cluster cannot do now holds up nothing of the others") {
  for (const char* said : {"MOVED 1 nowhere.test:1", "CLUSTERDOWN Hash slot not served",
                           "TRYAGAIN Multiple keys request during rehashing of slot"}) {
    INFO(said);
    Bench bench;
    Sensor a(bench.dialer, "aa");
    bench.server().says = [&](const Words& words) -> std::optional<std::string> {
      if (words.size() > 1 && words[1].ends_with(":down")) return test::fault(said);
      return bench.server().keep(words);
    };
    CHECK(a.answered(a.ask("down")).kind == Kind::kNone);
    for (int i = 0; i < 100; ++i) {
      a.now += 100 * fleet::kMillisecond;
      const auto ticket = a.ask("k" + std::to_string(i));
      a.run(3);
      REQUIRE(a.answers.contains(ticket));
      CHECK(a.answers[ticket].kind == Kind::kNew);
    }
    CHECK(bench.server().heard.size() < 250);
    bench.server().says = nullptr;
    a.now += fleet::kLastNotNowWait;
    a.run();
    CHECK(a.exchange.is_idle());
    CHECK(a.exchange.stats().reconciled == 1);
  }
}

TEST_CASE("What a server has no memory for is brought there later") {
  Bench bench;
  Sensor a(bench.dialer, "aa");
  bench.server().says = [&](const Words& words) -> std::optional<std::string> {
    if (words[0] == "SET") return test::fault("OOM command not allowed");
    return bench.server().keep(words);
  };
  for (int i = 0; i < 10; ++i)
    CHECK(a.answered(a.ask("k" + std::to_string(i))).kind == Kind::kNone);
  CHECK(a.exchange.refusal() == "OOM");
  CHECK(a.exchange.stats().waiting == 10);
  bench.server().says = nullptr;
  a.now += fleet::kLastNotNowWait;
  a.run();
  CHECK(bench.server().keys.size() == 10);
  CHECK(a.exchange.stats().reconciled == 10);
}

TEST_CASE(
    "A server that says that it cannot is asked by few, and found again by those who only ask") {
  for (const bool teaches : {true, false}) {
    Bench bench;
    Sensor a(bench.dialer, "aa", fleet::kTaughtPerHour, teaches);
    bench.server().says = [&](const Words& words) -> std::optional<std::string> {
      if (words[0] == "HELLO") return test::status("OK");
      return test::fault("LOADING dataset");
    };
    for (int i = 0; i < 600; ++i) {  // a minute
      a.now += 100 * fleet::kMillisecond;
      const auto ticket = a.ask("k" + std::to_string(i));
      a.run(3);
      REQUIRE(a.answers.contains(ticket));
      CHECK(a.answers[ticket].kind == Kind::kNone);
    }
    CHECK(bench.server().heard.size() < 50);
    bench.server().says = nullptr;
    Answer answer;
    for (int i = 0; i < 200 && answer.kind == Kind::kNone; ++i) {
      a.now += 100 * fleet::kMillisecond;
      answer = a.answered(a.ask("late"));
    }
    CHECK(answer.kind == Kind::kNew);
    a.now += fleet::kLastNotNowWait;
    a.run();
    CHECK(a.exchange.is_idle());
    CHECK(bench.server().keys.size() == (teaches ? 601 : 0));
  }
}

TEST_CASE("One that only asks leaves the server as it is, and brings nothing there later") {
  Bench bench;
  Sensor a(bench.dialer, "aa"), b(bench.dialer, "bb", fleet::kTaughtPerHour, false);
  CHECK(a.answered(a.ask("k")).kind == Kind::kNew);
  CHECK(b.answered(b.ask("k")).kind == Kind::kKnown);
  CHECK(b.answered(b.ask("l")).kind == Kind::kNew);
  CHECK(b.answered(b.ask("l")).kind == Kind::kNew);
  b.touch("k");
  b.share("sha256:1", "n");
  b.run();
  CHECK(b.answered(b.ask_image("sha256:1")).kind == Kind::kNew);
  CHECK(b.exchange.is_idle());
  CHECK(bench.commands("SET") == 1);
  CHECK(bench.commands("GETEX") == 1);
  CHECK(b.exchange.stats().taught == 0);
}

TEST_CASE("Images are capped as destinations are, and apart from them") {
  Bench bench;
  Sensor a(bench.dialer, "aa", 10);
  for (int i = 0; i < 15; ++i) a.share("sha256:" + std::to_string(i), "n");
  a.run();
  CHECK(bench.commands("SET") == 10);
  CHECK(a.exchange.stats().capped == 5);
  CHECK(a.answered(a.ask("k")).kind == Kind::kNew);
  CHECK_FALSE(a.answers[a.ticket].capped);
  a.now += 3600 * kSecondNs;
  a.share("sha256:99", "n");
  a.run();
  CHECK(a.exchange.stats().capped == 5);
}
