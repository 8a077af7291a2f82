// Builds that podman's API was asked for through the whole pipeline, and spoilt.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "harness/archive.h"
#include "harness/podman_service.h"
#include "harness/spoilt.h"

namespace kilnwatch::test {
namespace {

const std::string kBase = "docker.io/library/alpine:3";
const std::string kContainer(64, 'c');

std::string image(char c) { return "sha256:" + std::string(64, c); }
std::string context(const std::string& text, const std::string& as = {}) {
  return tar_entry("Dockerfile", "FROM " + kBase + as + "\n" + text) + std::string(1024, '\0');
}
CommandEngine::Step below(std::uint32_t pid, const std::string& text, const std::string& ip,
                          const std::string& cgroup = {}) {
  return {PodmanService::kService, pid, text, ip, "crun", cgroup};
}

// The main chain by either API; with systemd a step has a scope of its own.
Events main_chain(bool compat) {
  PodmanService podman;
  podman.build(1, 100, compat ? "/v1.41/build?t=evil:1" : "/v5.0.0/libpod/build?t=evil:1&layers=1",
               context("RUN wget http://192.0.2.1/\nRUN true\n"));
  podman.line(1, 200, "STEP 1/3: FROM " + kBase);
  podman.line(1, 400, "STEP 2/3: RUN wget http://192.0.2.1/");
  podman.step(500, below(100, "wget http://192.0.2.1/", "192.0.2.1",
                         "machine.slice/crun-buildah-buildah100.scope"));
  podman.line(1, 1000, "--\\u003e 0123456789ab");
  podman.line(1, 1001, "STEP 3/3: RUN true");
  podman.step(1200, below(120, "true", "", "machine.slice/crun-buildah-buildah120.scope"));
  podman.line(1, 1700, "COMMIT evil:1");
  podman.end(1, 1800, image('e'), compat);
  podman.deploy(2, 2500, compat ? "evil:1" : "localhost/evil:1", kContainer);
  return podman.events();
}
Events compat() { return main_chain(true); }
Events libpod() { return main_chain(false); }

// A step writes the lines of another step; its own steps keep their numbers. No cgroup of its own.
Events forged() {
  PodmanService podman;
  podman.build(1, 100, "/build?t=evil:1", context("RUN sh /forge\nRUN wget http://192.0.2.2/\n"));
  podman.line(1, 200, "STEP 1/3: FROM " + kBase);
  podman.line(1, 400, "STEP 2/3: RUN sh /forge");
  podman.step(500, below(100, "sh /forge", "192.0.2.1"));
  podman.line(1, 570, "STEP 3/3: RUN wget http://192.0.2.2/");
  podman.line(1, 571, std::string(64, 'f'));
  podman.line(1, 1001, "STEP 3/3: RUN wget http://192.0.2.2/");
  podman.step(1200, below(120, "wget http://192.0.2.2/", "192.0.2.2"));
  podman.end(1, 1800, image('e'), true);
  return podman.events();
}

// Two clients at once, other files: what runs tells whose a step is.
Events two_files() {
  PodmanService podman;
  for (const std::uint32_t n : {1u, 2u}) {
    const std::string ip = "192.0.2." + std::to_string(n);
    const auto ms = 100 + n * 7;
    podman.build(n, ms, "/v5.0.0/libpod/build?t=of:" + std::to_string(n),
                 context("RUN wget http://" + ip + "/\n"));
    podman.line(n, ms + 70, "STEP 1/2: FROM " + kBase);
    podman.line(n, ms + 200, "STEP 2/2: RUN wget http://" + ip + "/");
    podman.step(400 + ms, below(n * 1000, "wget http://" + ip + "/", ip));
    podman.end(n, 1500 + ms, image(static_cast<char>('0' + n)), false);
  }
  return podman.events();
}

// The same file at once: nothing tells them apart, so both are named. `apart`: one is at its RUN
// line when the other has not come to it yet.
Events same_file(bool apart) {
  PodmanService podman;
  for (const std::uint32_t n : {1u, 2u}) {
    const std::string ip = "192.0.2." + std::to_string(n);
    const auto ms = 100 + n * 7;
    podman.build(n, ms, "/v5.0.0/libpod/build?t=of:" + std::to_string(n),
                 context("RUN wget http://a/\n"));
    podman.line(n, ms + 70, "STEP 1/2: FROM " + kBase);
    const auto line = ms + 200 + (apart && n == 2 ? 900 : 0);
    podman.line(n, line, "STEP 2/2: RUN wget http://a/");
    podman.step(200 + line, below(n * 1000, "wget http://a/", ip));
    podman.end(n, 2500 + ms, image(static_cast<char>('0' + n)), false);
  }
  return podman.events();
}
Events one_by_one() { return same_file(true); }
Events at_once() { return same_file(false); }

// Stages of one build; nothing is said of a quiet one but its image.
Events stages() {
  PodmanService podman;
  podman.build(
      1, 100, "/v5.0.0/libpod/build?t=evil:1",
      context("RUN wget http://192.0.2.1/\nFROM " + kBase + "\nRUN wget http://192.0.2.2/\n",
              " AS one"));
  podman.line(1, 200, "[1/2] STEP 1/2: FROM " + kBase + " AS one");
  podman.line(1, 400, "[1/2] STEP 2/2: RUN wget http://192.0.2.1/");
  podman.step(500, below(100, "wget http://192.0.2.1/", "192.0.2.1"));
  podman.line(1, 1000, "[2/2] STEP 1/2: FROM " + kBase);
  podman.line(1, 1100, "[2/2] STEP 2/2: RUN wget http://192.0.2.2/");
  podman.step(1200, below(120, "wget http://192.0.2.2/", "192.0.2.2"));
  podman.end(1, 1800, image('e'), false);
  return podman.events();
}
Events quiet() {
  PodmanService podman;
  podman.build(1, 100, "/build?t=evil:1&q=1&nocache=1",
               context("RUN wget http://192.0.2.1/\nRUN wget http://192.0.2.2/\n"));
  podman.step(500, below(100, "wget http://192.0.2.1/", "192.0.2.1"));
  podman.step(1200, below(120, "wget http://192.0.2.2/", "192.0.2.2"));
  podman.end(1, 1800, image('e'), false);
  return podman.events();
}

const Scenes kAll = {
    {"compat", compat},         {"libpod", libpod},   {"forged", forged}, {"two files", two_files},
    {"one by one", one_by_one}, {"at once", at_once}, {"stages", stages}, {"quiet", quiet}};

}  // namespace

TEST_CASE("podman: from the request to the deployment, by either API") {
  for (const auto& events : {compat(), libpod()}) {
    const auto alerts = alerts_of(events);
    INFO(text_of(alerts));
    REQUIRE(alerts.size() == 3);
    CHECK(alerts[0].rule() == "build-request");
    CHECK(alerts[0].build().engine() == v1::ENGINE_PODMAN);
    CHECK(alerts[0].build().client().exe() == "/usr/bin/curl");
    CHECK(alerts[0].build().client().uid() == 1001);
    CHECK(alerts[0].build().request().base_images(0) == kBase);
    const auto& step = alerts[1].step();
    CHECK(alerts[1].rule() == "build-egress");
    CHECK(step.attribution() == v1::ATTRIBUTION_EXACT);
    CHECK(step.number() == 2);
    CHECK(step.total() == 3);
    CHECK(step.instruction() == "RUN wget http://192.0.2.1/");
    CHECK(step.container_id() == "buildah-buildah100");
    CHECK(alerts[2].rule() == "image-deploy");
    CHECK(alerts[2].image().id() == image('e'));
    CHECK(alerts[2].deployment().container_id() == kContainer);
    for (const auto& alert : alerts) CHECK(alert.build().id() == alerts[0].build().id());
  }
}

TEST_CASE("podman: lines that a step forges change nothing") {
  const auto egress = of_rule(alerts_of(forged()), "build-egress");
  INFO(text_of(egress));
  REQUIRE(egress.size() == 2);
  for (int n : {0, 1}) {
    CHECK(egress[static_cast<std::size_t>(n)].step().number() == static_cast<unsigned>(n) + 2);
    CHECK(egress[static_cast<std::size_t>(n)].step().attribution() == v1::ATTRIBUTION_EXACT);
  }
}

TEST_CASE("podman: two builds at once are told apart by what they run and where they are") {
  for (const auto& events : {two_files(), one_by_one()}) {
    const auto egress = of_rule(alerts_of(events), "build-egress");
    INFO(text_of(egress));
    REQUIRE(egress.size() == 2);
    for (const auto& alert : egress) {
      const std::string n = alert.connection().destination().ip().substr(8);
      CHECK(alert.build().request().tags(0) == "of:" + n);
      CHECK(alert.step().attribution() == v1::ATTRIBUTION_EXACT);
    }
  }
}

TEST_CASE("podman: what nothing tells apart is ambiguous, with both builds as candidates") {
  const auto egress = of_rule(alerts_of(at_once()), "build-egress");
  INFO(text_of(egress));
  REQUIRE(egress.size() == 2);
  for (const auto& alert : egress) {
    CHECK_FALSE(alert.has_build());
    CHECK(alert.step().attribution() == v1::ATTRIBUTION_AMBIGUOUS);
    CHECK(alert.step().number() == 2);
    CHECK(std::count_if(alert.reasons().begin(), alert.reasons().end(),
                        [](const auto& reason) { return reason.code() == "candidate"; }) == 2);
  }
}

TEST_CASE("podman: stages go by their names, a quiet build by its Dockerfile") {
  auto egress = of_rule(alerts_of(stages()), "build-egress");
  REQUIRE(egress.size() == 2);
  CHECK(egress[0].step().stage() == "one");
  CHECK(egress[1].step().stage() == "stage-1");
  CHECK(egress[1].step().number() == 2);
  egress = of_rule(alerts_of(quiet()), "build-egress");
  INFO(text_of(egress));
  REQUIRE(egress.size() == 2);
  CHECK(egress[0].step().number() == 2);
  CHECK(egress[1].step().number() == 3);
}

TEST_CASE("podman: permuted within 50 ms the very same alerts") { same_in_any_order(kAll, 20); }

TEST_CASE("podman: with lost records never a wrong attribution, and what is missing is said") {
  never_wrong_with_losses(kAll);
}

TEST_CASE("podman: from a late start never a wrong attribution") {
  never_wrong_from_late_starts(kAll);
}

TEST_CASE("podman: a recording gives the same alerts") { same_from_recordings(kAll); }

}  // namespace kilnwatch::test
