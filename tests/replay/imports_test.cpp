// Images without a build, and an engine in a container, through the whole pipeline, and spoilt.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <functional>

#include "app/pipeline.h"
#include "harness/agreement.h"
#include "harness/buildkit_engine.h"
#include "harness/recordings.h"
#include "harness/replay_run.h"

namespace kilnwatch::test {
namespace {

constexpr domain::TimeNs kDisorder = 50'000'000;
const std::string kBase = "docker.io/library/alpine:3";

std::string id(char c) { return "sha256:" + std::string(64, c); }
std::string line(const std::string& key, const std::string& text) {
  return message("{\"" + key + "\":\"" + text + "\"}");
}
const std::string kEnd = "0\r\n\r\n";

// Load by name and by id, import from a URL, commit; each is run.
Events imports() {
  BuildKitEngine engine;
  engine.call(1, 100, "/v1.41/images/load?quiet=1",
              kChunkedOk + line("stream", "Loaded image: named:1\\n") + kEnd);
  engine.call(2, 300, "/v1.41/images/load?quiet=1",
              kChunkedOk + line("stream", "Loaded image ID: " + id('1') + "\\n") + kEnd);
  engine.call(3, 500, "/v1.41/images/create?fromSrc=http://u:canary1234@a/x.tar&repo=far&tag=1",
              kChunkedOk + line("status", id('2')) + kEnd);
  engine.call(4, 700, "/v1.41/commit?container=web&repo=made&tag=1",
              with_length("HTTP/1.1 201 Created\r\n", "{\"Id\":\"" + id('3') + "\"}\n"));
  engine.deploy(5, 1000, "named:1", 'a');
  engine.deploy(6, 1500, std::string(12, '1'), 'b');
  engine.deploy(7, 2000, "far:1", 'c');
  engine.deploy(8, 2500, id('3'), 'd');
  return engine.events();
}

Events nested() {
  BuildKitEngine engine('a');
  engine.request(1, 100, "inner:1");
  const std::string name = "[2/2] RUN wget http://192.0.2.1/";
  engine.graph(1, 300, kBase, {name});
  engine.step({1, name, "wget http://192.0.2.1/", 'b', "192.0.2.1", 400});
  engine.end(1, 1800, id('e'));
  engine.deploy(2, 2500, "inner:1", 'c');
  return engine.events();
}

const std::vector<std::pair<std::string, std::function<Events()>>> kAll = {{"imports", imports},
                                                                           {"nested", nested}};

Alerts alerts_of(const Events& events, Baseline baseline = Baseline::kForgets) {
  return run_pipeline(info().host, events, baseline);
}

std::string text_of(const Alerts& alerts) {
  std::string text;
  for (const auto& alert : alerts) text += alert.DebugString() + "\n";
  return text;
}

std::size_t count(const Alerts& alerts, const std::string& rule) {
  return static_cast<std::size_t>(std::count_if(
      alerts.begin(), alerts.end(), [&](const auto& alert) { return alert.rule() == rule; }));
}

}  // namespace

TEST_CASE("imports: each is told, and each deployment with the import that it is of") {
  const auto alerts = alerts_of(imports());
  CHECK(alerts.size() == 8);
  CHECK(count(alerts, "image-import") == 4);
  CHECK(count(alerts, "image-deploy") == 4);
  for (const auto& alert : alerts) {
    CHECK(alert.import().client().address().ip() == "198.51.100.66");
    CHECK_FALSE(alert.has_build());
    if (alert.rule() != "image-deploy") continue;
    CHECK(std::any_of(alerts.begin(), alerts.end(), [&](const auto& other) {
      return other.rule() == "image-import" && other.import().id() == alert.import().id() &&
             other.image().id() == alert.image().id();
    }));
  }
}

TEST_CASE("nested: the chain is complete and names the outer container") {
  const auto alerts = alerts_of(nested());
  REQUIRE(alerts.size() == 3);
  for (const auto& alert : alerts) {
    CHECK(alert.build().container_id() == std::string(64, 'a'));
    CHECK(alert.build().id() == alerts[0].build().id());
  }
  REQUIRE(count(alerts, "build-egress") == 1);
  const auto egress = std::find_if(alerts.begin(), alerts.end(),
                                   [](const auto& a) { return a.rule() == "build-egress"; });
  CHECK(egress->step().attribution() == v1::ATTRIBUTION_EXACT);
  CHECK(egress->step().number() == 2);
  CHECK(count(alerts, "image-deploy") == 1);
}

TEST_CASE("imports: permuted within 50 ms the very same alerts") {
  for (const auto& [name, make] : kAll) {
    INFO(name);
    const auto events = make();
    const auto truth = text_of(alerts_of(events, Baseline::kEmpty));
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      INFO(seed);
      CHECK(text_of(alerts_of(permute(events, kDisorder, seed), Baseline::kEmpty)) == truth);
    }
    CHECK(text_of(alerts_of(repeat(events), Baseline::kEmpty)) == truth);
  }
}

TEST_CASE("imports: with lost records never wrong, and what is missing is said") {
  for (const auto& [name, make] : kAll) {
    const auto events = make();
    const auto truth = alerts_of(events);
    for (const auto told : {Told::kMarked, Told::kNothing}) {
      for (const std::size_t every : {50u, 13u}) {
        for (std::size_t offset = 0; offset < every; ++offset) {
          const auto result = compare(truth, alerts_of(drop_every(events, every, offset, told)));
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

TEST_CASE("imports: from a late start never wrong") {
  for (const auto& [name, make] : kAll) {
    const auto events = make();
    const auto truth = alerts_of(events);
    for (std::size_t i = 1; i <= 10; ++i) {
      const auto result = compare(truth, alerts_of(late_start(events, events.size() * i / 11)));
      INFO(name << " late by " << i);
      for (const auto& wrong : result.wrong) FAIL_CHECK("wrong: " << wrong);
    }
  }
}

TEST_CASE("imports: a recording gives the same alerts, and no canary") {
  for (const auto& [name, make] : kAll) {
    INFO(name);
    const TempDir dir;
    auto recorder = record::Recorder::create(dir.file("r"), info());
    REQUIRE(recorder);
    detect::MemorySeenStore seen;
    Alerts live;
    app::Pipeline pipeline(info().host, seen, &*recorder,
                           [&](const v1::Alert& alert) { live.push_back(alert); });
    for (const auto& event : make()) pipeline.push(event);
    pipeline.finish();
    REQUIRE(recorder->finish());
    const auto recording = read_recording(dir.file("r"));
    REQUIRE(recording);
    CHECK(text_of(alerts_of(recording->events, Baseline::kEmpty)) == text_of(live));
    std::string all = text_of(live);
    for (const auto& event : recording->events) all += form(event);
    CHECK(all.find("canary") == std::string::npos);
  }
}

}  // namespace kilnwatch::test
