#include "harness/spoilt.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <iterator>

#include "app/pipeline.h"
#include "baseline/memory_store.h"
#include "harness/agreement.h"
#include "harness/recordings.h"

namespace kilnwatch::test {
namespace {

constexpr domain::TimeNs kDisorder = 50'000'000;

Alerts chosen(const Judged& judged, const Alerts& alerts) {
  return judged ? judged(alerts) : alerts;
}

}  // namespace

Alerts alerts_of(const Events& events, Baseline baseline) {
  return run_pipeline(info().host, events, baseline);
}

std::string text_of(const Alerts& alerts) {
  std::string text;
  for (const auto& alert : alerts) text += alert.DebugString() + "\n";
  return text;
}

Alerts of_rule(const Alerts& alerts, const std::string& rule) {
  Alerts out;
  std::copy_if(alerts.begin(), alerts.end(), std::back_inserter(out),
               [&](const auto& alert) { return alert.rule() == rule; });
  return out;
}

bool has_reason(const v1::Alert& alert, const std::string& code) {
  return std::any_of(alert.reasons().begin(), alert.reasons().end(),
                     [&](const auto& reason) { return reason.code() == code; });
}

Recorded record_run(const Events& events) {
  const TempDir dir;
  auto recorder = record::Recorder::create(dir.file("r"), info());
  REQUIRE(recorder);
  baseline::MemoryStore seen;
  Recorded out;
  app::Pipeline pipeline(info().host, seen, &*recorder,
                         [&](const v1::Alert& alert) { out.live.push_back(alert); });
  for (const auto& event : events) pipeline.push(event);
  pipeline.finish();
  REQUIRE(recorder->finish());
  auto recording = read_recording(dir.file("r"));
  REQUIRE(recording);
  out.recording = std::move(*recording);
  return out;
}

void same_in_any_order(const Scenes& scenes, std::uint64_t permutations) {
  for (const auto& [name, make] : scenes) {
    INFO(name);
    const auto events = make();
    const auto truth = text_of(alerts_of(events, Baseline::kEmpty));
    for (std::uint64_t seed = 0; seed < permutations; ++seed) {
      INFO(seed);
      CHECK(text_of(alerts_of(permute(events, kDisorder, seed), Baseline::kEmpty)) == truth);
    }
    CHECK(text_of(alerts_of(repeat(events), Baseline::kEmpty)) == truth);
  }
}

void never_wrong_with_losses(const Scenes& scenes, const Judged& judged) {
  for (const auto& [name, make] : scenes) {
    const auto events = make();
    const Truth truth = alerts_of(events);
    for (const auto told : {Told::kMarked, Told::kNothing}) {
      for (const std::size_t every : {50u, 13u}) {
        for (std::size_t offset = 0; offset < every; ++offset) {
          const auto result =
              compare(truth, chosen(judged, alerts_of(drop_every(events, every, offset, told))));
          INFO(name << " every " << every << " from " << offset
                    << (told == Told::kMarked ? "" : " without a trace"));
          for (const auto& wrong : result.wrong) FAIL_CHECK("wrong: " << wrong);
          if (told == Told::kMarked && !result.missing.empty() && !result.said_blind)
            FAIL_CHECK("not said: " << result.missing.front());
        }
      }
    }
  }
}

void never_wrong_from_late_starts(const Scenes& scenes, std::size_t starts, const Judged& judged) {
  for (const auto& [name, make] : scenes) {
    const auto events = make();
    const Truth truth = alerts_of(events);
    for (std::size_t i = 1; i <= starts; ++i) {
      const auto late = late_start(events, events.size() * i / (starts + 1));
      const auto result = compare(truth, chosen(judged, alerts_of(late)));
      INFO(name << " late by " << i);
      for (const auto& wrong : result.wrong) FAIL_CHECK("wrong: " << wrong);
    }
  }
}

void same_from_recordings(const Scenes& scenes, const std::function<void(const Recorded&)>& look) {
  for (const auto& [name, make] : scenes) {
    INFO(name);
    const auto recorded = record_run(make());
    CHECK(text_of(alerts_of(recorded.recording.events, Baseline::kEmpty)) ==
          text_of(recorded.live));
    if (look) look(recorded);
  }
}

void no_canary(const Recorded& recorded) {
  std::string all = text_of(recorded.live);
  for (const auto& event : recorded.recording.events) all += form(event) + "\n";
  for (auto at = all.find("canary"); at != all.npos; at = all.find("canary", at + 1))
    FAIL_CHECK(all.substr(at, 40));
}

}  // namespace kilnwatch::test
