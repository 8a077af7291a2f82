// Every recording of cases/ against its golden alerts (UPDATE_GOLDEN=1 writes them anew), and
// spoilt: permuted, repeated, with lost records, from late starts.
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>
#include <sstream>

#include "harness/agreement.h"
#include "harness/program.h"
#include "harness/recordings.h"
#include "sink/encoder.h"

namespace kilnwatch::test {
namespace {

constexpr domain::TimeNs kDisorder = 50'000'000;
constexpr std::size_t kDropEvery = 50;
constexpr std::size_t kLateStarts = 10;
constexpr std::uint64_t kPermutations = 20;
constexpr std::size_t kShown = 3;  // complaints of one kind shown for each case

struct Case {
  std::string name;
  std::string folder;
  Recording recording;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> found;
    for (const auto& entry : std::filesystem::directory_iterator(KILNWATCH_CASES)) {
      if (!entry.is_directory()) continue;
      auto recording = read_recording((entry.path() / "recording.kwr").string());
      if (!recording) {
        FAIL_CHECK(entry.path() << ": " << recording.error().message);
        continue;
      }
      found.push_back({entry.path().filename().string(), entry.path().string(), *recording});
    }
    std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.name < b.name; });
    return found;
  }();
  REQUIRE_FALSE(all.empty());
  return all;
}

std::string text_of(const Alerts& alerts) {
  v1::AlertStream stream;
  for (const auto& alert : alerts) *stream.add_alerts() = alert;
  std::string text;
  google::protobuf::TextFormat::PrintToString(stream, &text);
  return text;
}

// Failures of one case, the first ones in full.
class Complaints {
 public:
  explicit Complaints(const Case& of) : case_(of) {}
  ~Complaints() {
    if (count_ > kShown) UNSCOPED_INFO(case_.name << ": " << count_ << " complaints in all");
    CHECK(count_ == 0);
  }
  void add(const std::string& where, const std::string& what) {
    if (++count_ <= kShown) UNSCOPED_INFO(case_.name << ", " << where << ": " << what);
  }
  void judge(const std::string& where, const Agreement& result, bool must_say) {
    for (const auto& what : result.wrong) add(where, "wrong: " + what);
    if (must_say && !result.missing.empty() && !result.said_blind)
      add(where, "not said: " + result.missing.front());
  }

 private:
  const Case& case_;
  std::size_t count_ = 0;
};

TEST_CASE("golden alerts, twice the same") {
  for (const Case& one : cases()) {
    const std::string text =
        text_of(run_pipeline(one.recording.host, one.recording.events, Baseline::kEmpty));
    const std::string path = one.folder + "/expect.txtpb";
    if (std::getenv("UPDATE_GOLDEN") != nullptr) spit(path, text);
    INFO(one.name);
    CHECK(slurp(path) == text);
    CHECK(text_of(run_pipeline(one.recording.host, one.recording.events, Baseline::kEmpty)) ==
          text);
  }
}

// What each of them has for every rule and field is tested beside the encoders.
TEST_CASE("the program gives the same alerts in JSON and in one of the other formats") {
  const TempDir dir;
  std::set<std::string> others;
  for (const Case& one : cases()) {
    INFO(one.name);
    const Alerts alerts = run_pipeline(one.recording.host, one.recording.events, Baseline::kEmpty);
    const auto told_in = [&](const std::string& format) {
      auto encoder = sink::make_encoder(format);
      REQUIRE(encoder);
      std::string expected;
      for (const auto& alert : alerts) expected += (*encoder)->encode(alert);
      const std::string file = one.folder + "/recording.kwr";
      std::string told = output_of(dir, "replay --output " + format + " " + file);
      CHECK(told == expected);
      return told;
    };
    const unsigned sum = std::accumulate(one.name.begin(), one.name.end(), 0U);
    const std::string other = sum % 2 == 0 ? "text" : "protobuf";
    others.insert(other);
    told_in(other);
    Alerts read;
    std::istringstream lines(told_in("json"));
    for (std::string line; std::getline(lines, line);) {
      v1::Alert alert;
      CHECK(google::protobuf::util::JsonStringToMessage(line, &alert).ok());
      read.push_back(alert);
    }
    CHECK(text_of(read) == text_of(alerts));
  }
  CHECK(others.size() == 2);
}

TEST_CASE("permuted within 50 ms: the very same alerts") {
  for (const Case& one : cases()) {
    const std::string truth =
        text_of(run_pipeline(one.recording.host, one.recording.events, Baseline::kEmpty));
    Complaints complaints(one);
    for (std::uint64_t seed = 0; seed < kPermutations; ++seed) {
      const Events events = permute(one.recording.events, kDisorder, seed);
      if (text_of(run_pipeline(one.recording.host, events, Baseline::kEmpty)) != truth)
        complaints.add("seed " + std::to_string(seed), "other alerts");
    }
  }
}

TEST_CASE("every record twice: the very same alerts") {
  for (const Case& one : cases()) {
    INFO(one.name);
    CHECK(
        text_of(run_pipeline(one.recording.host, repeat(one.recording.events), Baseline::kEmpty)) ==
        text_of(run_pipeline(one.recording.host, one.recording.events, Baseline::kEmpty)));
  }
}

void check_drops(Told told) {
  for (const Case& one : cases()) {
    const auto& [host, events] = one.recording;
    const Truth truth = run_pipeline(host, events, Baseline::kForgets);
    Complaints complaints(one);
    for (std::size_t offset = 0; offset < kDropEvery; ++offset) {
      const Events left = drop_every(events, kDropEvery, offset, told);
      complaints.judge("offset " + std::to_string(offset),
                       compare(truth, run_pipeline(host, left, Baseline::kForgets)),
                       told == Told::kMarked);
    }
  }
}

TEST_CASE("every 50th record lost: never wrong, and what is missing is said") {
  check_drops(Told::kMarked);
}

TEST_CASE("every 50th record lost without a trace: never wrong") { check_drops(Told::kNothing); }

// Whether these bytes alone show what their connection carries: a request's head or a message of an
// answer. The rest of a body, or the last chunk, could be anything's.
bool tells(const domain::ConnData& data) {
  return data.direction == domain::Direction::kRequest ? data.at_head
                                                       : data.bytes.find('{') != std::string::npos;
}

domain::TimeNs boot_time(const google::protobuf::Timestamp& time, const Recording& recording) {
  return static_cast<domain::TimeNs>(time.seconds()) * 1'000'000'000 +
         static_cast<domain::TimeNs>(time.nanos()) - recording.host.wall_offset_ns;
}

// When a build ended, as far as an alert of it says so.
std::map<std::string, domain::TimeNs> ends_of(const Alerts& truth, const Recording& recording) {
  std::map<std::string, domain::TimeNs> ends;
  for (const v1::Alert& alert : truth) {
    if (alert.build().has_ended())
      ends[alert.build().id()] = boot_time(alert.build().ended(), recording);
  }
  return ends;
}

// Of a command whose end no alert tells.
bool exited_before(std::size_t first, const Recording& recording, std::uint32_t pid) {
  return std::any_of(recording.events.begin(),
                     recording.events.begin() + static_cast<std::ptrdiff_t>(first),
                     [pid](const domain::Event& event) {
                       const auto* exited = std::get_if<domain::ProcessExited>(&event);
                       return exited != nullptr && pid != 0 && exited->pid == pid;
                     });
}

// Of a container of a pulled image, which has no build: from its creation on, which comes shortly
// before its start.
bool created_before(const v1::Alert& alert, domain::TimeNs armed, const Recording& recording) {
  constexpr domain::TimeNs kSecond = 1'000'000'000;
  return alert.rule() == "container-powers" &&
         boot_time(alert.deployment().time(), recording) <= armed + kSecond;
}

// A build or an import that was over before the sensor came is none of its business. A build that
// it could meet, because its conversation or its command went on, must be told of, or that it was
// met midway.
std::function<bool(const v1::Alert&)> met_from(std::size_t first, const Recording& recording,
                                               const Alerts& truth) {
  return [first, &recording, builds = builds_of(recording.events),
          ends = ends_of(truth, recording)](const v1::Alert& alert) {
    const domain::TimeNs armed = time_of(recording.events[first]);
    // What may be several builds' is owed by its own time.
    if (!alert.has_build() && alert.has_connection() &&
        boot_time(alert.connection().time(), recording) <= armed)
      return false;
    if (alert.has_import() && boot_time(alert.import().time(), recording) <= armed) return false;
    if (created_before(alert, armed, recording)) return false;
    const auto started = boot_time(alert.build().started(), recording);
    const auto build = std::find_if(builds.begin(), builds.end(),
                                    [&](const BuildSpan& span) { return span.started == started; });
    if (build == builds.end()) {
      const auto end = ends.find(alert.build().id());
      return end != ends.end() ? end->second > armed
                               : !exited_before(first, recording, alert.build().client().pid());
    }
    return std::any_of(recording.events.begin() + static_cast<std::ptrdiff_t>(first),
                       recording.events.end(), [&](const domain::Event& event) {
                         const auto* data = std::get_if<domain::ConnData>(&event);
                         return data != nullptr && data->conn == build->conn &&
                                data->time >= build->started &&
                                (build->ended == 0 || data->time <= build->ended) && tells(*data);
                       });
  };
}

TEST_CASE("ten late starts: never wrong, and what is missing is said") {
  for (const Case& one : cases()) {
    const auto& [host, events] = one.recording;
    const Alerts truth = run_pipeline(host, events, Baseline::kForgets);
    Complaints complaints(one);
    for (std::size_t i = 1; i <= kLateStarts; ++i) {
      const std::size_t first = events.size() * i / (kLateStarts + 1);
      const Alerts alerts = run_pipeline(host, late_start(events, first), Baseline::kForgets);
      complaints.judge("start at record " + std::to_string(first),
                       compare(truth, alerts, met_from(first, one.recording, truth)), true);
    }
  }
}

}  // namespace
}  // namespace kilnwatch::test
