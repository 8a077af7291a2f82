// A real server that is there and cannot: nothing is lost, and all is brought there when it can.
#include <signal.h>

#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <memory>
#include <string>

#include "fleet/dialer.h"
#include "fleet/shared.h"
#include "harness/redis_server.h"
#include "harness/temp_dir.h"

using namespace kilnwatch;
using test::RedisServer;
using Kind = fleet::Answer::Kind;

namespace {

std::unique_ptr<fleet::Shared> sensor_of(const RedisServer& server) {
  fleet::Settings settings;
  settings.server = {"127.0.0.1", server.port()};
  settings.sensor = "aa";
  settings.host = "a.test";
  return std::make_unique<fleet::Shared>(std::make_unique<fleet::SocketDialer>("127.0.0.1"),
                                         std::move(settings));
}

Kind ask(fleet::Shared& shared, const std::string& key) {
  const auto ticket = shared.ask(key, "b1");
  std::optional<fleet::Answer> answer;
  CHECK(test::wait_for([&] { return (answer = shared.take(ticket)).has_value(); }));
  return answer.value_or(fleet::Answer{}).kind;
}

// `why`: of the fault while it cannot; empty: it is not away.
void is_unable(const RedisServer& server, const std::function<void()>& stop,
               const std::function<void()>& go_on, const std::string& why) {
  auto shared = sensor_of(server);
  CHECK(ask(*shared, "before") == Kind::kNew);
  stop();
  for (int i = 0; i < 20; ++i) CHECK(ask(*shared, "k" + std::to_string(i)) == Kind::kNone);
  CHECK(shared->state().away == !why.empty());
  CHECK(shared->state().fault.find(why) != std::string::npos);
  CHECK(shared->stats().exchange.waiting == 20);
  go_on();
  CHECK(test::wait_for([&] { return shared->stats().exchange.waiting == 0; },
                       std::chrono::seconds(60)));
  CHECK_FALSE(shared->state().away);
  CHECK(ask(*shared, "after") == Kind::kNew);
  CHECK(server.keys() == 22);
  CHECK(shared->stats().exchange.reconciled == 20);
  CHECK(shared->stats().exchange.refused + shared->stats().exchange.crowded == 0);
}

}  // namespace

TEST_CASE("A server that became a replica, has no memory or no replicas loses nothing") {
  test::TempDir folder;
  RedisServer server(folder);
  SECTION("a replica") {
    is_unable(
        server,
        [&] {
          (void)server.say({"REPLICAOF", "127.0.0.1", "1"});
        },
        [&] {
          (void)server.say({"REPLICAOF", "NO", "ONE"});
        },
        "it says READONLY");
  }
  SECTION("no replicas") {
    is_unable(
        server,
        [&] {
          (void)server.say({"CONFIG", "SET", "min-replicas-to-write", "1"});
        },
        [&] {
          (void)server.say({"CONFIG", "SET", "min-replicas-to-write", "0"});
        },
        "it says NOREPLICAS");
  }
  SECTION("no memory") {
    is_unable(
        server,
        [&] {
          (void)server.say({"CONFIG", "SET", "maxmemory", "1"});
        },
        [&] {
          (void)server.say({"CONFIG", "SET", "maxmemory", "0"});
        },
        "");
  }
}

TEST_CASE("A server that stands still is away once, and found again once") {
  test::TempDir folder;
  RedisServer server(folder);
  auto shared = sensor_of(server);
  CHECK(ask(*shared, "k0") == Kind::kNew);
  ::kill(server.pid(), SIGSTOP);
  CHECK(ask(*shared, "k1") == Kind::kNone);
  CHECK(shared->state().away);
  // Its connections are still taken, by the kernel.
  bool away = true;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (std::chrono::steady_clock::now() < end) {
    away = away && shared->state().away;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(away);
  CHECK(ask(*shared, "k2") == Kind::kNone);
  ::kill(server.pid(), SIGCONT);
  CHECK(test::wait_for([&] { return server.keys() == 3; }, std::chrono::seconds(60)));
  CHECK(test::wait_for([&] { return !shared->state().away; }));
}
