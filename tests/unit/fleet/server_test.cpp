// Sensors and a real server: what one learnt the other knows; killed, started again, with
// passwords, TLS and as a cluster.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fleet/catalog.h"
#include "fleet/dialer.h"
#include "fleet/shared.h"
#include "harness/redis_server.h"
#include "harness/temp_dir.h"

using namespace kilnwatch;
using fleet::Answer;
using test::RedisServer;
using Kind = fleet::Answer::Kind;

namespace {

struct Sensor {
  explicit Sensor(std::uint16_t port, const std::string& name, fleet::Login login = {},
                  std::unique_ptr<fleet::TlsContext> tls = nullptr,
                  const std::string& host = "127.0.0.1", std::size_t per_hour = 1000)
      : shared(std::make_unique<fleet::SocketDialer>(host, std::move(tls)),
               settings(port, name, std::move(login), host, per_hour)) {}
  static fleet::Settings settings(std::uint16_t port, const std::string& name, fleet::Login login,
                                  const std::string& host, std::size_t per_hour) {
    fleet::Settings out;
    out.server = {host, port};
    out.login = std::move(login);
    out.sensor = name;
    out.host = name + ".test";
    out.taught_per_hour = per_hour;
    return out;
  }
  Answer answered(fleet::Fleet::Ticket ticket) {
    REQUIRE(ticket != 0);
    std::optional<Answer> answer;
    CHECK(test::wait_for([&] { return (answer = shared.take(ticket)).has_value(); }));
    return answer.value_or(Answer{});
  }
  Answer ask(const std::string& key) { return answered(shared.ask(key, "b1")); }
  // "k<first>" up to "k<last - 1>", as a step does that connects to many at once.
  std::vector<Answer> ask_all(int first, int last) {
    std::vector<Answer> out;
    for (int at = first; at < last;) {
      std::vector<fleet::Fleet::Ticket> tickets;
      for (; at < last && tickets.size() < 500; ++at)
        tickets.push_back(shared.ask("k" + std::to_string(at), "b1"));
      for (const auto ticket : tickets) out.push_back(answered(ticket));
    }
    return out;
  }
  bool settled() const { return shared.stats().exchange.waiting == 0; }

  fleet::Shared shared;
};

std::size_t count(const std::vector<Answer>& answers, Kind kind) {
  return static_cast<std::size_t>(std::count_if(
      answers.begin(), answers.end(), [&](const Answer& one) { return one.kind == kind; }));
}

// Values by key, as a person looks at them.
std::map<std::string, std::string> catalog_of(const RedisServer& server, const char* prefix,
                                              fleet::Login login = {}) {
  fleet::SocketDialer dialer("127.0.0.1");
  fleet::Catalog catalog(dialer, {"127.0.0.1", server.port()}, std::move(login));
  std::map<std::string, std::string> out;
  const auto done = catalog.each(prefix, [&](const fleet::Taught& taught) -> base::Status {
    out[taught.key] = taught.value;
    CHECK(taught.seconds > 0);
    return base::Done{};
  });
  if (!done) out["error"] = done.error().message;
  return out;
}

void run(const std::string& command) {
  INFO(command);
  REQUIRE(std::system(("(" + command + ") > /dev/null 2>&1").c_str()) == 0);
}

}  // namespace

TEST_CASE("A destination that one sensor learnt is known to the other") {
  test::TempDir folder;
  RedisServer server(folder);
  Sensor a(server.port(), "aa"), b(server.port(), "bb");
  CHECK(a.ask("192.0.2.1 443 x.test").kind == Kind::kNew);
  CHECK(b.ask("192.0.2.1 443 x.test").kind == Kind::kKnown);
  CHECK(b.ask("192.0.2.2 443").kind == Kind::kNew);
  CHECK(a.ask("192.0.2.2 443").kind == Kind::kKnown);
  CHECK(server.say({"GET", "kilnwatch:1:destination:192.0.2.2 443"}) == "$13\r\nbb bb.test b1\r\n");
  const std::string ttl = server.say({"TTL", "kilnwatch:1:destination:192.0.2.2 443"});
  CHECK(std::stol(ttl.substr(1)) > 29 * 86'400);
  CHECK(a.shared.state().reached);
  CHECK_FALSE(a.shared.state().away);
}

TEST_CASE("A name that one sensor learnt is known to the other, at whatever address") {
  test::TempDir folder;
  RedisServer server(folder);
  Sensor a(server.port(), "aa"), b(server.port(), "bb");
  const auto first = a.answered(a.shared.ask("192.0.2.1 443 x.test", "b1", "name 443 x.test"));
  CHECK(first.kind == Kind::kNew);
  CHECK_FALSE(first.known_name);
  CHECK(server.keys() == 1);  // a name is taught when it was told, not by asking
  a.shared.touch("name 443 x.test", "b1");
  CHECK(test::wait_for([&] { return a.settled(); }));
  const auto other = b.answered(b.shared.ask("192.0.2.2 443 x.test", "b1", "name 443 x.test"));
  CHECK(other.kind == Kind::kNew);
  CHECK(other.known_name);
  const auto none = b.ask("192.0.2.3 443 y.test");
  CHECK(none.kind == Kind::kNew);
  CHECK_FALSE(none.known_name);
  CHECK(server.keys() == 4);
}

TEST_CASE("Of many sensors that meet the same at once each destination is new to one") {
  test::TempDir folder;
  RedisServer server(folder);
  std::vector<std::unique_ptr<Sensor>> sensors;
  for (int i = 0; i < 8; ++i)
    sensors.push_back(std::make_unique<Sensor>(server.port(), "a" + std::to_string(i)));
  std::vector<std::pair<Sensor*, fleet::Fleet::Ticket>> asked;
  for (int key = 0; key < 50; ++key) {
    for (auto& sensor : sensors)
      asked.emplace_back(sensor.get(), sensor->shared.ask("k" + std::to_string(key), ""));
  }
  int fresh = 0;
  for (auto& [sensor, ticket] : asked) fresh += sensor->answered(ticket).kind == Kind::kNew ? 1 : 0;
  CHECK(fresh == 50);
}

TEST_CASE("An image built on one host is known to the other") {
  test::TempDir folder;
  RedisServer server(folder);
  Sensor a(server.port(), "aa"), b(server.port(), "bb");
  CHECK(b.answered(b.shared.ask_image("sha256:1")).kind == Kind::kNew);
  a.shared.share_image("sha256:1", "build b1\nhost a.test\n");
  CHECK(test::wait_for([&] { return a.settled(); }));
  const auto known = b.answered(b.shared.ask_image("sha256:1"));
  CHECK(known.kind == Kind::kKnown);
  CHECK(known.note == "build b1\nhost a.test\n");
}

TEST_CASE(
    "A server that is killed and started again: every question is answered, all is reconciled") {
  test::TempDir folder;
  RedisServer server(folder, {"--appendonly", "yes", "--appendfsync", "always"});
  Sensor a(server.port(), "aa"), b(server.port(), "bb");
  std::size_t none = 0, fresh = 0;
  int asked = 0;
  const auto ask_some = [&](int more) {
    for (; more > 0; more -= 25, asked += 25) {
      const auto answers = a.ask_all(asked, asked + 25);
      none += count(answers, Kind::kNone);
      fresh += count(answers, Kind::kNew);
    }
  };
  ask_some(100);
  CHECK(fresh == 100);
  const auto burst = a.shared.ask("burst", "b1");
  server.stop(SIGKILL);
  (void)a.answered(burst);
  ask_some(200);
  CHECK(a.shared.state().away);
  CHECK_FALSE(a.shared.state().fault.empty());
  CHECK(a.shared.stats().exchange.waiting >= 199);
  server.start();
  CHECK(test::wait_for([&] { return a.settled(); }));
  CHECK(test::wait_for([&] { return !a.shared.state().away; }));
  ask_some(100);
  CHECK(fresh + none == 400);
  CHECK(none >= 199);
  CHECK(fresh >= 199);
  CHECK(server.keys() == 401);
  CHECK(a.shared.stats().exchange.reconciled >= 199);
  CHECK(a.shared.stats().exchange.crowded == 0);
  CHECK(a.shared.stats().late >= none);
  // What was decided here while it was away is known to the other one now.
  CHECK(count(b.ask_all(0, 400), Kind::kKnown) == 400);
}

TEST_CASE("A server that stands still keeps nobody") {
  test::TempDir folder;
  RedisServer server(folder);
  Sensor a(server.port(), "aa");
  CHECK(a.ask("k0").kind == Kind::kNew);
  ::kill(server.pid(), SIGSTOP);
  const auto before = std::chrono::steady_clock::now();
  std::vector<fleet::Fleet::Ticket> tickets;
  for (int i = 1; i < 1000; ++i) tickets.push_back(a.shared.ask("k" + std::to_string(i), ""));
  const auto took = std::chrono::steady_clock::now() - before;
  CHECK_FALSE(a.shared.take(tickets[0]));
  a.shared.drop(tickets[0]);
  ::kill(server.pid(), SIGCONT);
  CHECK(took < std::chrono::nanoseconds(fleet::kReplyWait));
  for (std::size_t i = 1; i < tickets.size(); ++i) a.answered(tickets[i]);
  CHECK(test::wait_for([&] { return a.settled(); }));
  CHECK(server.keys() == 1000);  // with the one whose answer was late
  CHECK(a.shared.stats().late == 1);
}

TEST_CASE("One sensor teaches no more than it may, and others not less for it") {
  test::TempDir folder;
  RedisServer server(folder);
  Sensor a(server.port(), "aa");
  const auto answers = a.ask_all(0, 10'000);
  CHECK(count(answers, Kind::kNew) == 10'000);
  const auto capped =
      std::count_if(answers.begin(), answers.end(), [](const Answer& one) { return one.capped; });
  CHECK(server.keys() == 1000);
  CHECK(capped == 9000);
  CHECK(a.shared.state().capped == 9000);
  Sensor b(server.port(), "bb");
  const auto other = b.ask("k9999");
  CHECK(other.kind == Kind::kNew);
  CHECK_FALSE(other.capped);
}

TEST_CASE("Known keys travel now and then, not each time") {
  test::TempDir folder;
  RedisServer server(folder);
  Sensor a(server.port(), "aa");
  for (int i = 0; i < 1000; ++i) a.shared.touch("k" + std::to_string(i % 10), "b1");
  CHECK(test::wait_for([&] { return a.settled(); }));
  CHECK(server.keys() == 10);
  CHECK(server.say({"INFO", "commandstats"}).find("cmdstat_getex:calls=10,") != std::string::npos);
}

TEST_CASE("People see what the fleet knows, and who taught it") {
  test::TempDir folder;
  RedisServer server(folder);
  CHECK(catalog_of(server, fleet::kDestination).empty());
  Sensor a(server.port(), "aa");
  a.ask_all(0, 600);
  a.shared.share_image("sha256:1", "note");
  CHECK(test::wait_for([&] { return a.settled(); }));
  const auto all = catalog_of(server, fleet::kDestination);
  CHECK(all.size() == 600);
  CHECK(all.at("k7") == "aa aa.test b1");
  CHECK(fleet::teacher_of(all.at("k7")).host == "aa.test");
  CHECK(fleet::teacher_of(all.at("k7")).build == "b1");
  CHECK(fleet::teacher_of("aa aa.test -").build.empty());
  CHECK(fleet::teacher_of("noise").host.empty());
  CHECK(catalog_of(server, fleet::kImage).at("sha256:1") == "note");
  (void)server.say({"RPUSH", "kilnwatch:1:destination:list", "x"});
  (void)server.say({"EXPIRE", "kilnwatch:1:destination:list", "9"});
  CHECK(catalog_of(server, fleet::kDestination).at("list").empty());
  CHECK(a.ask("list").kind == Kind::kNone);
  CHECK(a.shared.state().refusal == fleet::kWrongType);
  CHECK(a.shared.stats().late == 1);
  // Each command may be refused, and a server may be gone.
  (void)server.say({"ACL", "SETUSER", "sensor", "on", ">geheim", "~kilnwatch:*", "-@all", "+getex",
                    "+get", "+set"});
  CHECK(catalog_of(server, fleet::kDestination, {"sensor", "geheim", 0})
            .at("error")
            .find("+scan, +get and +ttl") != std::string::npos);
  server.stop(SIGKILL);
  CHECK(catalog_of(server, fleet::kDestination).at("error").starts_with("it does not answer"));
}

TEST_CASE("A user with a password and no more rights than it needs") {
  test::TempDir folder;
  RedisServer server(folder, {"--user", "sensor", "on", ">geheim", "~kilnwatch:*", "-@all",
                              "+getex", "+get", "+set"});
  Sensor right(server.port(), "aa", {"sensor", "geheim", 0});
  CHECK(right.ask("k").kind == Kind::kNew);
  right.shared.share_image("sha256:1", "n");
  CHECK(test::wait_for([&] { return right.settled(); }));
  CHECK(server.keys() == 2);
  CHECK(right.shared.state().refusal.empty());

  Sensor wrong(server.port(), "bb", {"sensor", "anders", 0});
  CHECK(wrong.ask("l").kind == Kind::kNone);
  CHECK(wrong.shared.state().away);
  CHECK(wrong.shared.state().fault.find("WRONGPASS") != std::string::npos);
  CHECK(wrong.shared.state().fault.find("anders") == std::string::npos);
  CHECK(server.keys() == 2);
}

TEST_CASE("Over TLS, with certificates that are right and wrong") {
  test::TempDir folder;
  const std::string at = folder.path().string() + "/";
  const std::string openssl = "cd " + at + " && openssl ";
  run(openssl +
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
      "/CN=ca.test -keyout ca.key -out ca.pem");
  run("cd " + at + " && printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > names");
  for (const std::string who : {"server", "client"}) {
    run(openssl + "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + who +
        ".test -keyout " + who + ".key -out " + who + ".csr");
    run(openssl + "x509 -req -in " + who +
        ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
        "-extfile names -out " +
        who + ".pem");
  }
  run(openssl +
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
      "/CN=other.test -keyout other.key -out other.pem");
  const auto tls_port = test::free_port();
  RedisServer server(folder,
                     {"--tls-port", std::to_string(tls_port), "--tls-cert-file", at + "server.pem",
                      "--tls-key-file", at + "server.key", "--tls-ca-cert-file", at + "ca.pem"});
  const auto context = [&](const std::string& ca, bool certificate) {
    auto made = fleet::TlsContext::make(
        {at + ca, certificate ? at + "client.pem" : "", certificate ? at + "client.key" : ""});
    if (!made) FAIL(made.error().message);
    return std::make_unique<fleet::TlsContext>(std::move(*made));
  };
  // The server may need a moment to listen.
  const auto first = [&](Sensor& sensor) {
    Answer answer;
    int key = 0;
    CHECK(test::wait_for([&] {
      answer = sensor.ask("k" + std::to_string(key++));
      return answer.kind != Kind::kNone;
    }));
    INFO(sensor.shared.state().fault);
    CHECK(answer.kind != Kind::kNone);
    return answer;
  };
  for (const char* host : {"127.0.0.1", "localhost"}) {
    INFO(host);
    Sensor right(tls_port, host[0] == '1' ? "aa" : "bb", {}, context("ca.pem", true), host);
    CHECK(first(right).kind != Kind::kNone);
    CHECK(test::wait_for([&] { return right.settled(); }));
  }
  const auto keys = server.keys();
  Sensor other(tls_port, "cc", {}, context("other.pem", true));
  CHECK(other.ask("l").kind == Kind::kNone);
  CHECK(other.shared.state().fault.find("not trusted") != std::string::npos);
  Sensor none(tls_port, "dd", {}, context("ca.pem", false));
  CHECK(none.ask("l").kind == Kind::kNone);
  CHECK(none.shared.state().away);
  Sensor plain(tls_port, "ee");
  CHECK(plain.ask("l").kind == Kind::kNone);
  CHECK(server.keys() == keys);

  CHECK_FALSE(fleet::TlsContext::make({at + "away.pem", "", ""}));
  CHECK_FALSE(fleet::TlsContext::make({at + "ca.key", "", ""}));
  const auto mixed = fleet::TlsContext::make({at + "ca.pem", at + "client.pem", at + "server.key"});
  REQUIRE_FALSE(mixed);
  CHECK(mixed.error().message.find("name the key of cert_file") != std::string::npos);
}

TEST_CASE("A cluster of three: redirects are followed, and a node that goes takes only its part") {
  std::vector<std::unique_ptr<test::TempDir>> folders;
  std::vector<std::unique_ptr<RedisServer>> nodes;
  for (int i = 0; i < 3; ++i) {
    folders.push_back(std::make_unique<test::TempDir>());
    nodes.push_back(std::make_unique<RedisServer>(
        *folders.back(),
        std::vector<std::string>{"--cluster-enabled", "yes", "--cluster-node-timeout", "60000",
                                 "--cluster-require-full-coverage", "no"}));
  }
  constexpr int kShare = fleet::kSlots / 3;
  for (int i = 0; i < 3; ++i) {
    const int first = i * kShare, last = i == 2 ? fleet::kSlots - 1 : (i + 1) * kShare - 1;
    CHECK(nodes[i]->say({"CLUSTER", "ADDSLOTSRANGE", std::to_string(first),
                         std::to_string(last)}) == "+OK\r\n");
    CHECK(nodes[i]->say({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)}) == "+OK\r\n");
  }
  for (int i = 1; i < 3; ++i)
    CHECK(nodes[0]->say({"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes[i]->port())}) ==
          "+OK\r\n");
  for (const auto& node : nodes) {
    CHECK(test::wait_for([&] {
      const std::string info = node->say({"CLUSTER", "INFO"});
      return info.find("cluster_state:ok") != std::string::npos &&
             info.find("cluster_slots_assigned:16384") != std::string::npos;
    }));
  }
  Sensor a(nodes[0]->port(), "aa"), b(nodes[2]->port(), "bb");
  CHECK(count(a.ask_all(0, 300), Kind::kNew) == 300);
  CHECK(count(b.ask_all(0, 300), Kind::kKnown) == 300);
  std::size_t all = 0;
  for (const auto& node : nodes) {
    CHECK(node->keys() > 50);
    all += node->keys();
  }
  CHECK(all == 300);
  CHECK(catalog_of(*nodes[2], fleet::kDestination).size() == 300);
  nodes[1]->stop(SIGKILL);
  const auto answers = a.ask_all(300, 400);
  const auto fresh = count(answers, Kind::kNew), none = count(answers, Kind::kNone);
  CHECK(fresh > 20);
  CHECK(none > 0);
  CHECK(fresh + none == 100);
  nodes[1]->start();
  CHECK(test::wait_for([&] { return a.settled(); }, std::chrono::seconds(60)));
  CHECK(count(a.ask_all(300, 400), Kind::kNew) == 100);
}
