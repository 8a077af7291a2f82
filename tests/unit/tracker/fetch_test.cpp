// A remote context: the request and what the engine fetched meet in the URL.
#include <catch2/catch_test_macros.hpp>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using namespace kilnwatch::test;

namespace {

ContextFetched fetch(TimeNs time, const std::string& url, const std::string& base) {
  ContextFetched fact;
  fact.time = time;
  fact.url = url;
  DockerfileSeen seen;
  seen.time = time;
  seen.base_images = {base};
  fact.dockerfile = seen;
  return fact;
}

}  // namespace

TEST_CASE("What the engine fetched is the Dockerfile of the build that asked for it") {
  Scene scene;
  auto build = scene.request(1, tracker::kSecond, false, false);
  build.remote_context = "http://198.51.100.66#main";
  scene.learn(build);
  SECTION("at its own address") {
    scene.learn(fetch(2 * tracker::kSecond, "http://198.51.100.66/", "alpine:3"));
  }
  SECTION("at the end of redirects") {
    ContextFetched on;
    on.time = tracker::kSecond;
    on.url = "http://198.51.100.66/";
    on.location = "/b";
    scene.learn(on);
    on.url = "http://198.51.100.66/b";
    on.location = "http://198.51.100.67/c";
    scene.learn(on);
    scene.learn(fetch(2 * tracker::kSecond, "http://198.51.100.66/", "wrong:1"));
    scene.learn(fetch(2 * tracker::kSecond, "http://198.51.100.67/c", "alpine:3"));
  }
  scene.pass(10 * tracker::kSecond);
  const auto asked = scene.of(Rule::kBuildRequest);
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].build->base_images == std::vector<std::string>{"alpine:3"});
  CHECK(asked[0].build->dockerfile.has_value());
}

TEST_CASE("Two builds that wait for the same address share no Dockerfile") {
  Scene scene;
  for (const ConnId conn : {1, 2}) {
    auto build = scene.request(conn, tracker::kSecond, false, false);
    build.remote_context = "http://198.51.100.66/Dockerfile";
    scene.learn(build);
  }
  scene.learn(fetch(2 * tracker::kSecond, "http://198.51.100.66/Dockerfile", "alpine:3"));
  scene.pass(10 * tracker::kSecond);
  for (const auto& asked : scene.of(Rule::kBuildRequest)) {
    CHECK_FALSE(asked.build->dockerfile.has_value());
    CHECK(asked.build->base_images.empty());
  }
}
