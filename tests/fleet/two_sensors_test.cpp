// Two hosts and one server: what one learnt the other knows, what one built and the other runs is
// one chain, and a server that is gone for a while costs no alert.
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "base/clock.h"
#include "corpus/internet.h"
#include "fleet/sensors.h"
#include "harness/program.h"
#include "harness/redis_server.h"

namespace kilnwatch::test {
namespace {

constexpr std::chrono::milliseconds kPatience(10'000);
const std::string kPayload = "203.0.113.50";

const corpus::Internet& internet() {
  static const auto all = corpus::Internet::read(std::string(KILNWATCH_COMPANY) + "/names.txt");
  return all;
}

Events played(const std::vector<corpus::Build>& builds, std::uint64_t seed,
              std::uint64_t ms = 1000) {
  corpus::Site site(internet(), seed);
  for (const auto& build : builds) ms = site.play(build, ms) + 5000;
  return site.events();
}

// Ids of images that the server knows, without those of manifests: one for each build.
std::vector<std::string> images_at(const RedisServer& server) {
  const std::string reply = server.say({"KEYS", "kilnwatch:1:image:*"});
  std::vector<std::string> out;
  const std::string mark = "kilnwatch:1:image:";
  for (auto at = reply.find(mark); at != reply.npos; at = reply.find(mark, at + 1)) {
    const auto from = at + mark.size();
    out.push_back(reply.substr(from, reply.find('\r', from) - from));
  }
  return out;
}

// Its id at the server.
std::string image_built_by(HostSensor& sensor, const RedisServer& server) {
  sensor.push(played({build_of("evil", {kPayload})}, 1));
  sensor.pipeline().finish();
  CHECK(wait_for([&] { return sensor.is_settled(); }));
  const auto images = images_at(server);
  REQUIRE(images.size() == 1);
  return images[0];
}

void is_chain(const v1::Alert& alert, const std::string& host) {
  INFO(alert.DebugString());
  CHECK(alert.severity() >= v1::SEVERITY_HIGH);
  CHECK(alert.build().host() == host);
  CHECK_FALSE(alert.build().id().empty());
  CHECK(alert.build().client().exe() == "/usr/bin/docker");
  CHECK(alert.build().client().has_uid());
  CHECK(alert.build().request().method() == "POST");
  CHECK(alert.build().request().path().ends_with("/build"));
  CHECK(alert.build().request().tags(0) == "app-evil:1");
  CHECK(alert.build().request().base_images(0) == "registry.test/base:1");
  CHECK(has_reason(alert, "built-elsewhere"));
  CHECK(has_reason(alert, "connected-elsewhere"));
  REQUIRE(alert.chain().links_size() == 1);
  const auto& link = alert.chain().links(0);
  CHECK(link.connection().destination().ip() == kPayload);
  CHECK(link.connection().process().exe() == "/bin/busybox");
  CHECK(link.connection().process().args(0) == "wget");
  CHECK(link.step().number() == 2);
  CHECK_FALSE(link.alert_id().empty());
  CHECK_FALSE(alert.chain().request_alert_id().empty());
  CHECK(alert.connection().destination().ip() == kPayload);
}

}  // namespace

TEST_CASE("A destination that one sensor learnt is known to the other") {
  TempDir folder;
  RedisServer server(folder);
  HostSensor a(host_facts("a.test"), server.port(), kPatience);
  HostSensor b(host_facts("b.test"), server.port(), kPatience);
  a.push(played({build_of("one", {"192.0.2.1", "192.0.2.2"})}, 1));
  a.pipeline().finish();
  b.push(played({build_of("two", {"192.0.2.2", "192.0.2.3"})}, 2));
  b.pipeline().finish();
  CHECK(told(a.alerts(), "192.0.2.1") == 1);
  CHECK(told(a.alerts(), "192.0.2.2") == 1);
  CHECK(told(b.alerts(), "192.0.2.2") == 0);
  CHECK(told(b.alerts(), "192.0.2.3") == 1);
  for (const auto& alert : of_rule(b.alerts(), "build-egress")) {
    CHECK(alert.connection().first_seen().in_fleet());
    CHECK(has_reason(alert, "first-seen-in-fleet"));
  }
  // Without a fleet it is news to both.
  HostSensor alone(host_facts("b.test"), 0, kPatience);
  alone.push(played({build_of("two", {"192.0.2.2", "192.0.2.3"})}, 2));
  alone.pipeline().finish();
  CHECK(told(alone.alerts(), "192.0.2.2") == 1);
}

TEST_CASE("An image built on one host and deployed on the other is one chain") {
  TempDir folder;
  RedisServer server(folder);
  HostSensor a(host_facts("a.test"), server.port(), kPatience);
  HostSensor b(host_facts("b.test"), server.port(), kPatience);
  const std::string image = image_built_by(a, server);
  b.push(played({run_of(image), run_of("registry.test/other:1")}, 2, 30'000));
  b.pipeline().finish();
  const auto deployed = of_rule(b.alerts(), "image-deploy");
  REQUIRE(deployed.size() == 1);
  is_chain(deployed[0], "a.test");
  CHECK(deployed[0].host().name() == "b.test");
  CHECK(deployed[0].build().id() == of_rule(a.alerts(), "build-egress")[0].build().id());
  CHECK(deployed[0].chain().links(0).alert_id() == of_rule(a.alerts(), "build-egress")[0].id());
}

TEST_CASE("An image that is deployed while the server is gone is one chain when it is back") {
  TempDir folder;
  RedisServer server(folder, {"--appendonly", "yes", "--appendfsync", "always"});
  HostSensor a(host_facts("a.test"), server.port(), kPatience);
  const std::string image = image_built_by(a, server);
  server.stop(SIGKILL);
  HostSensor b(host_facts("b.test"), server.port(), std::chrono::milliseconds(0));
  const auto go_on = [&] { b.pipeline().advance(base::clock_ns(CLOCK_BOOTTIME)); };
  b.push(played({run_of(image), run_of("registry.test/other:1")}, 2, 30'000));
  CHECK(wait_for([&] {
    go_on();
    return b.pipeline().stats().deploys_unanswered == 2;
  }));
  CHECK(of_rule(b.alerts(), "image-deploy").empty());
  server.start();
  CHECK(wait_for([&] {
    go_on();
    return b.pipeline().stats().deploys_unanswered == 0;
  }));
  const auto deployed = of_rule(b.alerts(), "image-deploy");
  REQUIRE(deployed.size() == 1);
  is_chain(deployed[0], "a.test");
  b.pipeline().finish();
  CHECK(of_rule(b.alerts(), "image-deploy").size() == 1);
}

TEST_CASE("A server that is killed amid builds costs no alert, and is told of all of them after") {
  TempDir folder;
  RedisServer server(folder, {"--appendonly", "yes", "--appendfsync", "always"});
  std::vector<corpus::Build> builds;
  for (int i = 0; i < 30; ++i)
    builds.push_back(build_of("n" + std::to_string(i), {"192.0.2." + std::to_string(i + 1)}));
  const auto events = played(builds, 1);
  HostSensor alone(host_facts("a.test"), 0, kPatience);
  alone.push(events);
  alone.pipeline().finish();

  HostSensor a(host_facts("a.test"), server.port(), kPatience);
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i == events.size() / 3) server.stop(SIGKILL);
    if (i == events.size() * 2 / 3) {
      server.start();
      CHECK(wait_for([&] { return !a.shared().state().away; }));
    }
    a.pipeline().push(events[i]);
  }
  a.pipeline().finish();
  CHECK(a.alerts().size() == alone.alerts().size());
  std::size_t unanswered = 0;
  for (int i = 0; i < 30; ++i) CHECK(told(a.alerts(), "192.0.2." + std::to_string(i + 1)) == 1);
  for (const auto& alert : a.alerts()) unanswered += has_reason(alert, "fleet-unanswered") ? 1 : 0;
  CHECK(unanswered >= 8);
  CHECK(unanswered <= 12);
  CHECK(wait_for([&] { return a.is_settled(); }));
  CHECK(images_at(server).size() == 30);
  CHECK(server.keys() == 60);
  CHECK(a.shared().stats().exchange.reconciled >= 16);
}

TEST_CASE("Recordings of two hosts are replayed with a fleet that is asked, or taught") {
  TempDir folder;
  RedisServer server(folder);
  const auto record = [&](const std::string& name, const Events& events) {
    auto recorder = record::Recorder::create(folder.file(name), {host_facts(name), 1, "0.1.0"});
    REQUIRE(recorder);
    baseline::MemoryStore seen;
    app::Pipeline pipeline(host_facts(name), seen, &*recorder, [](const v1::Alert&) {});
    for (const auto& event : events) pipeline.push(event);
    pipeline.finish();
    REQUIRE(recorder->finish());
  };
  std::ofstream(folder.file("config.yaml"))
      << "baseline: {store: 'redis://127.0.0.1:" << server.port() << "'}\n";
  std::filesystem::permissions(folder.file("config.yaml"), std::filesystem::perms(0600));
  const auto replayed = [&](const std::string& name, const std::string& more) {
    const std::string text =
        output_of(folder, "replay " + folder.file(name) + " --output protobuf --config " +
                              folder.file("config.yaml") + " " + more);
    v1::AlertStream stream;
    REQUIRE(stream.ParseFromString(text));
    return Alerts(stream.alerts().begin(), stream.alerts().end());
  };
  record("a.test", played({build_of("evil", {kPayload})}, 1));
  record("b.test", played({build_of("two", {kPayload})}, 2));

  // A configuration that names a server asks nobody by itself.
  CHECK(told(replayed("a.test", ""), kPayload) == 1);
  CHECK(server.keys() == 0);
  CHECK(told(replayed("a.test", "--fleet ask"), kPayload) == 1);
  CHECK(server.keys() == 0);
  CHECK(told(replayed("a.test", "--fleet teach"), kPayload) == 1);
  CHECK(server.keys() == 2);
  // The same recording gives the same alerts: what its own host taught is no news from others.
  CHECK(told(replayed("a.test", "--fleet teach"), kPayload) == 1);
  CHECK(told(replayed("b.test", ""), kPayload) == 1);
  CHECK(told(replayed("b.test", "--fleet ask"), kPayload) == 0);
  CHECK(server.keys() == 2);
  CHECK(told(replayed("b.test", "--fleet teach"), kPayload) == 0);
  CHECK(server.keys() == 3);  // its image

  const std::string at_fleet = " --scope fleet --config " + folder.file("config.yaml");
  const std::string listed = output_of(folder, "baseline list" + at_fleet);
  CHECK(listed.find("a.test") != std::string::npos);
  CHECK(listed.find(kPayload + " 80\n") != std::string::npos);
  CHECK(listed.find("image") == std::string::npos);
  const std::string exported = output_of(folder, "baseline export" + at_fleet);
  CHECK(exported.starts_with("{\"scope\":\"fleet\",\"address\":\"" + kPayload + "\",\"port\":80,"));
  CHECK(exported.find("\"host\":\"a.test\"") != std::string::npos);
  CHECK(output_of(folder, "baseline stats" + at_fleet)
            .find("1 destinations, taught by 1 hosts; 2 names of images\n      1  a.test\n") !=
        std::string::npos);

  // A person has it forgotten, and known.
  CHECK(output_of(folder, "baseline forget " + kPayload + " 80" + at_fleet).empty());
  CHECK(told(replayed("b.test", "--fleet ask"), kPayload) == 1);
  CHECK(output_of(folder, "baseline add " + kPayload + " 80" + at_fleet).empty());
  CHECK(told(replayed("b.test", "--fleet ask"), kPayload) == 0);
  CHECK(told(replayed("a.test", "--fleet ask"), kPayload) == 0);

  const auto images = images_at(server);
  for (const auto& image : images) {
    record("c.test", played({run_of(image)}, 3, 30'000));
    const auto deployed = of_rule(replayed("c.test", "--fleet ask"), "image-deploy");
    REQUIRE(deployed.size() == 1);
    if (deployed[0].build().host() == "a.test") is_chain(deployed[0], "a.test");
  }
}

}  // namespace kilnwatch::test
