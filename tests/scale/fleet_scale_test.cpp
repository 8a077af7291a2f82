// A company's sensors against one real server, in the time of the simulation: what they ask is what
// sensors ask, by the code that they ask it with. KILNWATCH_SENSORS: how many (default 20). The
// model is in docs/scale.md; the table is written to standard output.
#include <sys/resource.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fleet/client.h"
#include "fleet/dialer.h"
#include "fleet/exchange.h"
#include "fleet/shared.h"
#include "harness/redis_server.h"
#include "harness/temp_dir.h"

using namespace kilnwatch;
using fleet::kSecondNs;
using fleet::TimeNs;

namespace {

// The model.
constexpr int kBuilds = 24;       // of a host, in a day
constexpr int kConnections = 25;  // of a build, to destinations
constexpr int kNames = 2000;      // of the company's mirrors, registries and sites
constexpr int kAddresses = 16;    // of a name, by turns
constexpr int kAtATime = 4;       // of them that resolvers give in one hour
constexpr double kOwn = 0.01;     // connections to what no other host reaches
constexpr TimeNs kDay = 86'400 * kSecondNs;
constexpr TimeNs kFirstHour = 8 * 3600 * kSecondNs, kWorkDay = 10 * 3600 * kSecondNs;
constexpr TimeNs kBuildTime = 120 * kSecondNs;
constexpr TimeNs kTick = 10 * kSecondNs;      // of the simulation
constexpr std::uint64_t kKeep = 30 * 86'400;  // seconds, as by default

struct Sensor {
  Sensor(fleet::Dialer& dialer, std::uint16_t port, int number)
      : name([&] {
          char text[17];
          std::snprintf(text, sizeof(text), "%016x", number + 1);
          return std::string(text);
        }()),
        client(dialer, {"127.0.0.1", port}, {}, static_cast<std::uint64_t>(number) * 7919 + 1),
        exchange(client, name) {}
  const std::string name;
  fleet::Client client;
  fleet::Exchange exchange;
  std::unordered_map<std::uint64_t, TimeNs> known;  // when it is told again
  TimeNs wake = 0;
  bool active = false;
};

struct Meeting {
  TimeNs time = 0;
  int sensor = 0;
  std::uint64_t key = 0;
};

std::uint64_t number_in(const std::string& info, const std::string& name) {
  const auto at = info.find(name);
  return at == info.npos ? 0 : std::stoull(info.substr(at + name.size()));
}

struct Row {
  std::string name;
  std::uint64_t commands = 0, bytes = 0, connections = 0, alerts = 0, reconciled = 0;
  double peak = 0;  // commands a second, in the busiest minute
  double real = 0;  // seconds that it took here
};

class Company {
 public:
  explicit Company(int count)
      : server_(folder_, {"--appendonly", "yes", "--maxclients", "20000"}), dialer_("127.0.0.1") {
    for (int i = 0; i < count; ++i)
      sensors_.push_back(std::make_unique<Sensor>(dialer_, server_.port(), i));
    std::vector<double> weights;
    for (int i = 1; i <= kNames; ++i) weights.push_back(1.0 / i);
    names_ = std::discrete_distribution<int>(weights.begin(), weights.end());
  }

  // `away`: the server is killed at that time of the day, for an hour; 0: it is not.
  Row day(const std::string& name, TimeNs away) {
    const auto meetings = plan();
    Row row{name};
    const auto before = std::chrono::steady_clock::now();
    std::uint64_t bytes = bytes_now(), logins = logins_now();
    const auto reconciled = reconciled_now();
    const TimeNs start = days_++ * kDay;
    base_ = commands();
    std::map<TimeNs, std::uint64_t> minutes;
    std::size_t at = 0;
    alerts_ = 0;
    for (TimeNs now = start; now < start + kDay; now += 60 * kSecondNs) {
      const TimeNs clock = now - start;
      if (away != 0 && clock == away) {
        row.commands += commands() - base_;
        server_.stop(SIGKILL);
      }
      if (away != 0 && clock == away + 3600 * kSecondNs) {
        server_.start();
        base_ = commands();
      }
      const std::uint64_t earlier = server_.is_running() ? commands() : 0;
      for (TimeNs tick = now; tick < now + 60 * kSecondNs; tick += kTick) {
        for (; at < meetings.size() && start + meetings[at].time <= tick; ++at)
          meet(meetings[at], tick);
        settle(tick);
      }
      if (server_.is_running())
        minutes[clock] = commands() - earlier - 1;  // the look itself is one
    }
    row.commands += commands() - base_ - 2 * minutes.size();
    for (const auto& [minute, count] : minutes)
      row.peak = std::max(row.peak, static_cast<double>(count) / 60);
    row.bytes = bytes_now() - bytes;
    row.connections = logins_now() - logins;
    row.alerts = alerts_;
    row.reconciled = reconciled_now() - reconciled;
    row.real = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    return row;
  }

  std::size_t keys() const { return server_.keys(); }
  std::string memory() const {
    const std::string info = server_.say({"INFO", "memory"});
    return std::to_string(number_in(info, "used_memory:") >> 20);
  }
  bool idle() const {
    return std::all_of(sensors_.begin(), sensors_.end(),
                       [](const auto& one) { return one->exchange.is_idle(); });
  }
  std::uint64_t lost() const {
    std::uint64_t all = 0;
    for (const auto& one : sensors_)
      all += one->exchange.stats().crowded + one->exchange.stats().refused;
    return all;
  }

 private:
  std::vector<Meeting> plan() {
    std::vector<Meeting> out;
    std::uniform_real_distribution<double> share(0, 1);
    for (int sensor = 0; sensor < static_cast<int>(sensors_.size()); ++sensor) {
      for (int build = 0; build < kBuilds; ++build) {
        const auto begin =
            kFirstHour + static_cast<TimeNs>(share(random_) * static_cast<double>(kWorkDay));
        for (int i = 0; i < kConnections; ++i) {
          const TimeNs time =
              begin + static_cast<TimeNs>(share(random_) * static_cast<double>(kBuildTime));
          std::uint64_t key = 0;
          if (share(random_) < kOwn) {
            key = (std::uint64_t{1} << 40) | ++own_;
          } else {
            const auto name = static_cast<std::uint64_t>(names_(random_));
            const std::uint64_t hour = days_ * 24 + time / (3600 * kSecondNs);
            const std::uint64_t turn = random_() % kAtATime;
            key = name * kAddresses + (hour * kAtATime + turn) % kAddresses;
          }
          out.push_back({time, sensor, key});
        }
      }
    }
    std::sort(out.begin(), out.end(), [](const Meeting& a, const Meeting& b) {
      return std::tie(a.time, a.sensor, a.key) < std::tie(b.time, b.sensor, b.key);
    });
    return out;
  }

  // As the detector and fleet::Shared do it.
  void meet(const Meeting& meeting, TimeNs now) {
    Sensor& sensor = *sensors_[static_cast<std::size_t>(meeting.sensor)];
    const auto [at, fresh] = sensor.known.try_emplace(meeting.key, 0);
    if (!fresh && now < at->second) return;
    at->second = now + kKeep * kSecondNs / fleet::kTouchPart;
    fleet::Job job;
    job.kind = fresh ? fleet::Job::Kind::kAsk : fleet::Job::Kind::kTouch;
    job.ticket = fresh ? 1 : 0;
    const std::uint64_t name = meeting.key / kAddresses;
    job.key = std::string(fleet::kDestination) + "203.0.113." + std::to_string(meeting.key % 256) +
              " 443 host-" + std::to_string(name) + ".cdn.example.com";
    job.value = sensor.name + " ci-" + std::to_string(meeting.sensor) +
                ".example.com 0123456789abcdef0123456789abcdef";
    job.seconds = kKeep;
    sensor.exchange.submit(std::move(job));
    wake(sensor);
  }

  void wake(Sensor& sensor) {
    if (sensor.active) return;
    sensor.active = true;
    active_.push_back(&sensor);
  }

  // Until everything that can be asked is answered, at one moment of the simulation.
  void settle(TimeNs now) {
    while (!later_.empty() && later_.begin()->first <= now) {
      wake(*later_.begin()->second);
      later_.erase(later_.begin());
    }
    std::vector<pollfd> ends;
    while (!active_.empty()) {
      ends.clear();
      std::erase_if(active_, [&](Sensor* sensor) {
        sensor->exchange.run(now);
        for (const auto& posted : sensor->exchange.take())
          alerts_ += posted.answer.kind != fleet::Answer::Kind::kKnown ? 1 : 0;
        const std::size_t before = ends.size();
        sensor->client.waits_for(ends);
        const bool waits = ends.size() > before;
        if (!sensor->exchange.is_idle() && (waits || !sensor->client.is_away())) return false;
        ends.resize(before);
        rest(*sensor, now);
        return true;
      });
      if (!active_.empty()) (void)::poll(ends.data(), ends.size(), 20);
    }
  }

  // Deadlines: what is idle is given back, what is away is tried again.
  void rest(Sensor& sensor, TimeNs now) {
    sensor.active = false;
    later_.erase({sensor.wake, &sensor});
    sensor.wake = sensor.exchange.due(now);
    if (sensor.wake < now + kDay) later_.insert({sensor.wake, &sensor});
  }

  std::uint64_t commands() const {
    return number_in(server_.say({"INFO", "stats"}), "total_commands_processed:");
  }
  std::uint64_t bytes_now() const {
    std::uint64_t all = 0;
    for (const auto& one : sensors_) all += one->client.bytes();
    return all;
  }
  std::uint64_t logins_now() const {
    std::uint64_t all = 0;
    for (const auto& one : sensors_) all += one->client.logins();
    return all;
  }
  std::uint64_t reconciled_now() const {
    std::uint64_t all = 0;
    for (const auto& one : sensors_) all += one->exchange.stats().reconciled;
    return all;
  }

  test::TempDir folder_;
  test::RedisServer server_;
  fleet::SocketDialer dialer_;
  std::vector<std::unique_ptr<Sensor>> sensors_;
  std::vector<Sensor*> active_;
  std::set<std::pair<TimeNs, Sensor*>> later_;  // when they have something to do
  std::discrete_distribution<int> names_;
  std::mt19937_64 random_{7};
  std::uint64_t own_ = 0, days_ = 0, base_ = 0, alerts_ = 0;
};

}  // namespace

TEST_CASE("What a company's sensors cost their server") {
  if (test::redis_program().empty()) SKIP("no redis-server on this host");
  const char* given = std::getenv("KILNWATCH_SENSORS");
  const int count = given != nullptr ? std::atoi(given) : 20;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);

  Company company(count);
  std::vector<Row> rows;
  rows.push_back(company.day("first day: nobody knows anything", 0));
  rows.push_back(company.day("second day", 0));
  rows.push_back(
      company.day("third day, the server killed from 12:00 to 13:00", 12 * 3600 * kSecondNs));
  rows.push_back(company.day("fourth day", 0));
  CHECK(company.idle());
  CHECK(company.lost() == 0);
  std::printf(
      "| %d sensors | commands | a second, mean | a second, busiest minute | bytes per sensor | "
      "connections per sensor | new to the fleet, or not answered | brought there after |\n"
      "|---|---|---|---|---|---|---|---|\n",
      count);
  for (const Row& row : rows) {
    std::printf(
        "| %s | %llu | %.1f | %.0f | %.0f | %.1f | %llu | %llu |\n", row.name.c_str(),
        static_cast<unsigned long long>(row.commands), static_cast<double>(row.commands) / 86'400,
        row.peak, static_cast<double>(row.bytes) / count,
        static_cast<double>(row.connections) / count, static_cast<unsigned long long>(row.alerts),
        static_cast<unsigned long long>(row.reconciled));
    CHECK(row.commands > 0);
  }
  double real = 0, commands = 0;
  for (const Row& row : rows) real += row.real, commands += static_cast<double>(row.commands);
  std::printf("%zu keys, %s MiB at the server; all of it in %.0f s here: %.0f commands a second\n",
              company.keys(), company.memory().c_str(), real, commands / real);
  CHECK(rows[2].reconciled > 0);
  CHECK(rows[1].alerts < rows[0].alerts);
}
