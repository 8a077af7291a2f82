// A company's sensors against one real server, in the time of the simulation: what they ask is what
// sensors ask, by the code that they ask it with. KILNWATCH_SENSORS: how many (default 20),
// KILNWATCH_DAYS: for how long (default 4, at least 2). The model is in docs/scale.md; the table is
// written to standard output.
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
constexpr int kBuilds = 8;        // of a host, in a day, in the mean
constexpr int kConnections = 25;  // of a build, to destinations
constexpr int kNames = 2000;      // of the company's mirrors, registries and sites
constexpr int kAddresses = 16;    // of a name, by turns
constexpr int kAtATime = 4;       // of them that resolvers give in one hour
constexpr double kOwn = 0.01;     // connections to what no other host reaches
constexpr int kDeploys = 24;      // of a host, in a day: containers of images that it did not build
constexpr int kNote = 700;        // bytes of what is told of an image
constexpr TimeNs kDay = 86'400 * kSecondNs;
constexpr TimeNs kFirstHour = 8 * 3600 * kSecondNs, kWorkDay = 10 * 3600 * kSecondNs;
constexpr TimeNs kBuildTime = 120 * kSecondNs;
constexpr TimeNs kTick = 30 * kSecondNs;      // of the simulation
constexpr std::uint64_t kKeep = 30 * 86'400;  // seconds, as by default
constexpr std::uint64_t kKeepImage = 86'400;  // likewise; the server's clock does not run ahead
constexpr fleet::Fleet::Ticket kKeyTicket = 1, kNameTicket = 2, kImageTicket = 3;
constexpr std::uint64_t kNameKeys = std::uint64_t{1} << 50;

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
  enum class What { kConnection, kBuilt, kDeployed };
  TimeNs time = 0;
  int sensor = 0;
  std::uint64_t key = 0;  // of the destination or the image
  What what = What::kConnection;
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
    expire_images();
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
  std::uint64_t images() const { return images_ - expired_; }
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
            key = ((std::uint64_t{1} << 40) | ++own_) * kAddresses;
          } else {
            const auto name = static_cast<std::uint64_t>(names_(random_));
            const std::uint64_t hour = days_ * 24 + time / (3600 * kSecondNs);
            const std::uint64_t turn = random_() % kAtATime;
            key = name * kAddresses + (hour * kAtATime + turn) % kAddresses;
          }
          out.push_back({time, sensor, key});
        }
        out.push_back({begin + kBuildTime, sensor, ++images_, Meeting::What::kBuilt});
      }
      for (int i = 0; i < kDeploys; ++i) {
        const auto time =
            kFirstHour + static_cast<TimeNs>(share(random_) * static_cast<double>(kWorkDay));
        out.push_back({time, sensor, random_() % (images_ + 1), Meeting::What::kDeployed});
      }
    }
    std::sort(out.begin(), out.end(), [](const Meeting& a, const Meeting& b) {
      return std::tie(a.time, a.sensor, a.what, a.key) < std::tie(b.time, b.sensor, b.what, b.key);
    });
    return out;
  }

  // As the detector and fleet::Shared do it.
  void meet(const Meeting& meeting, TimeNs now) {
    Sensor& sensor = *sensors_[static_cast<std::size_t>(meeting.sensor)];
    if (meeting.what != Meeting::What::kConnection) return meet_image(sensor, meeting);
    const std::uint64_t name = meeting.key / kAddresses;
    const std::string named = " 443 host-" + std::to_string(name) + ".cdn.example.com";
    ask(sensor, meeting, meeting.key, "203.0.113." + std::to_string(meeting.key % 256) + named,
        now);
    // The name at whatever address.
    ask(sensor, meeting, kNameKeys | name, "name" + named, now);
    wake(sensor);
  }

  // What is new to the host is asked, what is known told now and then.
  static void ask(Sensor& sensor, const Meeting& meeting, std::uint64_t number,
                  const std::string& key, TimeNs now) {
    const auto [at, fresh] = sensor.known.try_emplace(number, 0);
    if (!fresh && now < at->second) return;
    at->second = now + kKeep * kSecondNs / fleet::kTouchPart;
    fleet::Job job;
    job.kind = fresh ? fleet::Job::Kind::kAsk : fleet::Job::Kind::kTouch;
    job.ticket = !fresh ? 0 : (number & kNameKeys) != 0 ? kNameTicket : kKeyTicket;
    job.key = fleet::kDestination + key;
    job.value = sensor.name + " ci-" + std::to_string(meeting.sensor) +
                ".example.com 0123456789abcdef0123456789abcdef";
    job.seconds = kKeep;
    sensor.exchange.submit(std::move(job));
  }

  static std::string image_key(std::uint64_t number) {
    char id[65];
    std::snprintf(id, sizeof(id), "%064llx", static_cast<unsigned long long>(number));
    return std::string(fleet::kImage) + "sha256:" + id;
  }

  // As they expire: the server's own clock does not run ahead. Those of the days before yesterday.
  void expire_images() {
    while (expired_ < images_before_) {
      std::string keys;
      int count = 1;
      for (; expired_ < images_before_ && count <= 1000; ++count) {
        const std::string key = image_key(++expired_);
        keys += "$" + std::to_string(key.size()) + "\r\n" + key + "\r\n";
      }
      (void)server_.send("*" + std::to_string(count) + "\r\n$6\r\nUNLINK\r\n" + keys);
    }
    images_before_ = images_;
  }

  void meet_image(Sensor& sensor, const Meeting& meeting) {
    fleet::Job job;
    job.key = image_key(meeting.key);
    if (meeting.what == Meeting::What::kBuilt) {
      job.kind = fleet::Job::Kind::kShareImage;
      job.value = std::string(kNote, 'n');
      job.seconds = kKeepImage;
    } else {
      job.kind = fleet::Job::Kind::kAskImage;
      job.ticket = kImageTicket;
    }
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
          alerts_ +=
              posted.ticket == kKeyTicket && posted.answer.kind != fleet::Answer::Kind::kKnown ? 1
                                                                                               : 0;
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
  std::uint64_t images_ = 0, images_before_ = 0, expired_ = 0;
  std::uint64_t own_ = 0, days_ = 0, base_ = 0, alerts_ = 0;
};

}  // namespace

TEST_CASE("What a company's sensors cost their server") {
  const char* given = std::getenv("KILNWATCH_SENSORS");
  const int count = given != nullptr ? std::atoi(given) : 20;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);

  Company company(count);
  const char* given_days = std::getenv("KILNWATCH_DAYS");
  const int days = given_days != nullptr ? std::atoi(given_days) : 4;
  std::printf(
      "| %d sensors | commands | a second, mean | a second, busiest minute | bytes per sensor | "
      "connections per sensor | new to the fleet, or not answered | brought there after |\n"
      "|---|---|---|---|---|---|---|---|\n",
      count);
  std::vector<Row> rows;
  const auto day = [&](const std::string& name, TimeNs away) {
    const Row& row = rows.emplace_back(company.day(name, away));
    std::printf(
        "| %s | %llu | %.1f | %.0f | %.0f | %.1f | %llu | %llu |\n", row.name.c_str(),
        static_cast<unsigned long long>(row.commands), static_cast<double>(row.commands) / 86'400,
        row.peak, static_cast<double>(row.bytes) / count,
        static_cast<double>(row.connections) / count, static_cast<unsigned long long>(row.alerts),
        static_cast<unsigned long long>(row.reconciled));
    (void)std::fflush(stdout);  // the next one takes minutes
    CHECK(row.commands > 0);
  };
  day("first day: nobody knows anything", 0);
  day("second day, the server killed from 12:00 to 13:00", 12 * 3600 * kSecondNs);
  for (int n = 3; n <= days; ++n) day("day " + std::to_string(n), 0);
  CHECK(company.idle());
  CHECK(company.lost() == 0);
  double real = 0, commands = 0;
  for (const Row& row : rows) real += row.real, commands += static_cast<double>(row.commands);
  std::printf(
      "%zu keys, %llu of them images, %s MiB at the server; all of it in %.0f s here: %.0f "
      "commands a second\n",
      company.keys(), static_cast<unsigned long long>(company.images()), company.memory().c_str(),
      real, commands / real);
  CHECK(rows[1].reconciled > 0);
  if (days > 2) CHECK(rows[2].alerts < rows[0].alerts);
}

// The hours of one sensor that is made to meet 10,000 new names in each of them.
TEST_CASE("What one sensor teaches that is made to meet 10,000 names an hour") {
  test::TempDir folder;
  test::RedisServer server(folder);
  fleet::SocketDialer dialer("127.0.0.1");
  Sensor flooded(dialer, server.port(), 0), other(dialer, server.port(), 1);
  const auto run = [&](Sensor& sensor, TimeNs now) {
    std::vector<pollfd> ends;
    do {
      sensor.exchange.run(now);
      ends.clear();
      sensor.client.waits_for(ends);
      if (!sensor.exchange.is_idle()) (void)::poll(ends.data(), ends.size(), 20);
    } while (!sensor.exchange.is_idle());
    return sensor.exchange.take();
  };
  const auto ask = [&](Sensor& sensor, const std::string& name, TimeNs now) {
    fleet::Job job;
    job.kind = fleet::Job::Kind::kAsk;
    job.ticket = 1;
    job.key = std::string(fleet::kDestination) + "203.0.113.9 443 " + name;
    job.value = sensor.name + " host build";
    job.seconds = kKeep;
    sensor.exchange.submit(std::move(job));
    return run(sensor, now);
  };
  constexpr int kHours = 3, kNamesAnHour = 10'000;
  std::size_t told = 0, capped = 0, refused_to_other = 0;
  for (int hour = 0; hour < kHours; ++hour) {
    for (int i = 0; i < kNamesAnHour; ++i) {
      const TimeNs now = (hour * 3600 * kSecondNs) + (i * 3600 * kSecondNs / kNamesAnHour);
      const std::string name = "flood-" + std::to_string(hour) + "-" + std::to_string(i);
      for (const auto& posted : ask(flooded, name, now + kSecondNs)) {
        ++told;
        capped += posted.answer.capped ? 1 : 0;
        CHECK(posted.answer.kind == fleet::Answer::Kind::kNew);
      }
    }
    // Whoever else is new is taught as ever.
    const auto now = (hour + 1) * 3600 * kSecondNs;
    for (const auto& posted : ask(other, "own-" + std::to_string(hour), now))
      refused_to_other += posted.answer.capped ? 1 : 0;
  }
  CHECK(told == std::size_t{kHours} * kNamesAnHour);
  CHECK(server.keys() == kHours * fleet::kTaughtPerHour + kHours);
  CHECK(capped == told - kHours * fleet::kTaughtPerHour);
  CHECK(refused_to_other == 0);
  std::printf(
      "one sensor that meets %d new names an hour, for %d hours: %zu told, %zu taught, %zu "
      "capped\n",
      kNamesAnHour, kHours, told, told - capped, capped);
}
