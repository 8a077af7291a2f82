// Images without a build, and an engine in a container, through the whole pipeline, and spoilt.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "harness/buildkit_engine.h"
#include "harness/spoilt.h"

namespace kilnwatch::test {
namespace {

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

const Scenes kAll = {{"imports", imports}, {"nested", nested}};

}  // namespace

TEST_CASE("imports: each is told, and each deployment with the import that it is of") {
  const auto alerts = alerts_of(imports());
  CHECK(alerts.size() == 8);
  CHECK(of_rule(alerts, "image-import").size() == 4);
  CHECK(of_rule(alerts, "image-deploy").size() == 4);
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
  REQUIRE(of_rule(alerts, "build-egress").size() == 1);
  const auto egress = std::find_if(alerts.begin(), alerts.end(),
                                   [](const auto& a) { return a.rule() == "build-egress"; });
  CHECK(egress->step().attribution() == v1::ATTRIBUTION_EXACT);
  CHECK(egress->step().number() == 2);
  CHECK(of_rule(alerts, "image-deploy").size() == 1);
}

TEST_CASE("imports: permuted within 50 ms the very same alerts") { same_in_any_order(kAll); }

TEST_CASE("imports: with lost records never wrong, and what is missing is said") {
  never_wrong_with_losses(kAll);
}

TEST_CASE("imports: from a late start never wrong") { never_wrong_from_late_starts(kAll); }

TEST_CASE("imports: a recording gives the same alerts, and no canary") {
  same_from_recordings(kAll, no_canary);
}

}  // namespace kilnwatch::test
