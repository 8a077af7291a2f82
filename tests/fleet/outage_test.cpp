// A server that is gone for a minute, in real time: test_two_sensors "[minute]"
#include <catch2/catch_test_macros.hpp>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "base/clock.h"
#include "corpus/internet.h"
#include "fleet/sensors.h"
#include "harness/redis_server.h"

namespace kilnwatch::test {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr int kBuilds = 60;                                // of each host, every two seconds
constexpr std::uint64_t kEvery = 2000;                     // ms
constexpr std::uint64_t kGone = 30'000, kBack = 90'000;    // ms after the first build
constexpr std::uint64_t kEnd = kBuilds * kEvery + 25'000;  // and the last try to reach it

std::string own(int host, int n) {
  return "192.0." + std::to_string(10 + host) + "." + std::to_string(n + 1);
}
std::string common(int n) { return "198.18.0." + std::to_string(n + 1); }

// As they are now on this machine's clock.
Events from_now_on(Events events, std::uint64_t first, std::uint64_t now) {
  for (auto& event : events)
    std::visit([&](auto& one) { one.time = one.time - first + now; }, event);
  return events;
}

struct Heard {
  std::map<std::string, v1::Alert> egress;  // by address
  std::uint64_t slowest = 0;                // ns from the connection to its alert
};

}  // namespace

TEST_CASE("A server that is gone for a minute costs no alert, and is reconciled", "[.minute]") {
  TempDir folder;
  RedisServer server(folder, {"--appendonly", "yes", "--appendfsync", "always"});
  const auto internet = corpus::Internet::read(std::string(KILNWATCH_COMPANY) + "/names.txt");
  const std::uint64_t begin = base::clock_ns(CLOCK_BOOTTIME) + kSecond;
  std::vector<Events> events;
  std::vector<std::unique_ptr<HostSensor>> sensors;
  Heard heard[2];
  for (int host = 0; host < 2; ++host) {
    corpus::Site site(internet, static_cast<std::uint64_t>(host) + 1);
    for (int n = 0; n < kBuilds; ++n) {
      // What one host reached the other reaches two seconds later.
      std::vector<std::string> ips = {own(host, n)};
      if (host == 0) ips.push_back(common(n));
      if (host == 1 && n > 0) ips.push_back(common(n - 1));
      site.play(build_of(std::to_string(host) + "-" + std::to_string(n), ips),
                1000 + static_cast<std::uint64_t>(n) * kEvery);
    }
    auto all = site.events();
    const std::uint64_t first = domain::time_of(all.front());
    events.push_back(from_now_on(std::move(all), first, begin));
    auto facts = host_facts(host == 0 ? "a.test" : "b.test");
    facts.wall_offset_ns = base::clock_ns(CLOCK_REALTIME) - base::clock_ns(CLOCK_BOOTTIME);
    sensors.push_back(
        std::make_unique<HostSensor>(facts, server.port(), std::chrono::milliseconds(0)));
    sensors.back()->on_alert([&, host, offset = facts.wall_offset_ns](const v1::Alert& alert) {
      if (alert.rule() != "build-egress") return;
      heard[host].egress.insert_or_assign(alert.connection().destination().ip(), alert);
      const auto& at = alert.connection().time();
      const auto then = static_cast<std::uint64_t>(at.seconds()) * kSecond +
                        static_cast<std::uint64_t>(at.nanos()) - offset;
      heard[host].slowest = std::max(heard[host].slowest, base::clock_ns(CLOCK_BOOTTIME) - then);
    });
  }
  std::size_t next[2] = {0, 0};
  std::uint64_t ms = 0;
  do {
    const std::uint64_t now = base::clock_ns(CLOCK_BOOTTIME);
    ms = now > begin ? (now - begin) / 1'000'000 : 0;
    if (ms >= kGone && ms < kBack && server.is_running()) server.stop(SIGKILL);
    if (ms >= kBack && !server.is_running()) server.start();
    for (std::size_t host = 0; host < 2; ++host) {
      for (; next[host] < events[host].size() && domain::time_of(events[host][next[host]]) <= now;
           ++next[host])
        sensors[host]->pipeline().push(events[host][next[host]]);
      sensors[host]->pipeline().advance(now);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  } while (ms < kEnd);
  for (auto& sensor : sensors) {
    sensor->pipeline().finish();
    CHECK(wait_for([&] { return sensor->is_settled(); }));
  }
  std::size_t unanswered = 0, known = 0;
  for (int host = 0; host < 2; ++host) {
    for (int n = 0; n < kBuilds; ++n) {
      INFO(host << " " << n);
      CHECK(heard[host].egress.contains(own(host, n)));
      if (host == 0) CHECK(heard[host].egress.contains(common(n)));
    }
    for (const auto& [ip, alert] : heard[host].egress)
      unanswered += has_reason(alert, "fleet-unanswered") ? 1 : 0;
  }
  for (int n = 0; n + 1 < kBuilds; ++n) {
    const auto at = heard[1].egress.find(common(n));
    if (at == heard[1].egress.end()) {
      ++known;
      continue;
    }
    INFO(n);
    // Told twice only because one of them could not ask.
    CHECK((has_reason(at->second, "fleet-unanswered") ||
           has_reason(heard[0].egress.at(common(n)), "fleet-unanswered")));
  }
  CHECK(unanswered >= 60);
  CHECK(known >= 25);
  // Destinations of both, and an image of each build.
  CHECK(server.keys() == 3 * kBuilds + 2 * kBuilds);
  std::uint64_t reconciled = 0;
  for (auto& sensor : sensors) {
    const auto stats = sensor->shared().stats();
    reconciled += stats.exchange.reconciled;
    CHECK(stats.exchange.crowded + stats.exchange.refused + stats.crowded == 0);
  }
  CHECK(reconciled > 0);
  const std::uint64_t slowest = std::max(heard[0].slowest, heard[1].slowest);
  CHECK(slowest < 2 * kSecond);
  std::printf(
      "%d builds in %llu s, the server gone for %llu s of them: %zu destinations told, %zu of them "
      "while nobody answered; %zu of %d that the other host knew were not told again; %llu brought "
      "to the server after; the slowest alert came %llu ms after its connection\n",
      2 * kBuilds, static_cast<unsigned long long>(kEnd / 1000),
      static_cast<unsigned long long>((kBack - kGone) / 1000),
      heard[0].egress.size() + heard[1].egress.size(), unanswered, known, kBuilds - 1,
      static_cast<unsigned long long>(reconciled),
      static_cast<unsigned long long>(slowest / 1'000'000));
}

}  // namespace kilnwatch::test
