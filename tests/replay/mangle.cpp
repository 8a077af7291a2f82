// mangle IN OUT (--drop-every N K | --drop-first N | --permute-ms MS SEED)
// A recording with every Nth record from the Kth on dropped, with the first N dropped (a late
// start), or in another order: no record moves past one that is MS or more away from it.
// Same arguments, same output. Exit 0, 2 usage, 4 input damaged (what was whole is written).
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "capture/replay/recording_reader.h"
#include "record/convert.h"
#include "record/recording_file.h"

namespace {

using kilnwatch::domain::Event;

struct Plan {
  enum class Kind { kDropEvery, kDropFirst, kPermute } kind;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

std::vector<Event> drop(std::vector<Event> events, const Plan& plan) {
  std::vector<Event> kept;
  for (std::uint64_t i = 0; i < events.size(); ++i) {
    const bool dropped = plan.kind == Plan::Kind::kDropFirst
                             ? i < plan.first
                             : i >= plan.second && (i - plan.second) % plan.first == 0;
    if (!dropped) kept.push_back(std::move(events[i]));
  }
  return kept;
}

std::vector<Event> permute(std::vector<Event> events, std::uint64_t window_ns, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::pair<std::uint64_t, std::size_t>> keys;
  for (std::size_t i = 0; i < events.size(); ++i) {
    // Modulo: the same on every standard library, unlike uniform_int_distribution.
    keys.emplace_back(
        kilnwatch::domain::time_of(events[i]) + (window_ns > 0 ? random() % window_ns : 0), i);
  }
  std::sort(keys.begin(), keys.end());
  std::vector<Event> ordered;
  for (const auto& key : keys) ordered.push_back(std::move(events[key.second]));
  return ordered;
}

bool parse(int argc, char** argv, Plan& plan) {
  if (argc < 5) return false;
  const std::string flag = argv[3];
  plan.first = std::strtoull(argv[4], nullptr, 10);
  plan.second = argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 0;
  if (flag == "--drop-first" && argc == 5) {
    plan.kind = Plan::Kind::kDropFirst;
  } else if (flag == "--drop-every" && argc == 6 && plan.first > 0) {
    plan.kind = Plan::Kind::kDropEvery;
  } else if (flag == "--permute-ms" && argc == 6) {
    plan.kind = Plan::Kind::kPermute;
  } else {
    return false;
  }
  return true;
}

int fail(const std::string& why, int code) {
  std::fprintf(stderr, "mangle: %s\n", why.c_str());
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  namespace kw = kilnwatch;
  Plan plan{};
  if (!parse(argc, argv, plan)) {
    return fail("IN OUT (--drop-every N K | --drop-first N | --permute-ms MS SEED)", 2);
  }
  auto reader = kw::capture::RecordingReader::open(argv[1]);
  if (!reader) return fail(reader.error().message, 4);
  std::vector<Event> events;
  int code = 0;
  for (;;) {
    auto state = (*reader)->poll(0, [&](Event&& event) { events.push_back(std::move(event)); });
    if (!state) code = fail(state.error().message, 4);
    if (!state || *state == kw::capture::EventSource::State::kEnd) break;
  }
  events = plan.kind == Plan::Kind::kPermute
               ? permute(std::move(events), plan.first * 1'000'000, plan.second)
               : drop(std::move(events), plan);
  auto file = kw::record::RecordingFile::create(argv[2], (*reader)->header());
  if (!file) return fail(file.error().message, 3);
  for (const Event& event : events) {
    kw::recording::v1::Record record;
    if (kw::record::to_proto(event, record)) file->append(record);
  }
  if (auto status = file->finish(); !status) return fail(status.error().message, 3);
  return code;
}
