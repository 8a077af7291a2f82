// The main chain of an attack, judged by configurations.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "harness/replay_run.h"
#include "policy/parse.h"

namespace kilnwatch::test {
namespace {

const Recording& chain() {
  static const Recording recording = [] {
    auto read =
        read_recording(std::string(KILNWATCH_CASES) + "/trixie-main-chain-tcp/recording.kwr");
    if (!read) FAIL(read.error().message);
    return *read;
  }();
  return recording;
}

std::string wire(const Alerts& alerts) {
  v1::AlertStream stream;
  for (const auto& alert : alerts) *stream.add_alerts() = alert;
  return stream.SerializeAsString();
}

Alerts judged(const std::string& text) {
  const auto policy = policy::parse(text, "f");
  if (!policy) FAIL(policy.error().message);
  const auto run = [&] {
    return run_pipeline(chain().host, chain().events, Baseline::kEmpty, *policy);
  };
  const Alerts alerts = run();
  CHECK(wire(run()) == wire(alerts));
  return alerts;
}

const v1::Alert& of(const Alerts& alerts, const std::string& rule) {
  const auto found =
      std::find_if(alerts.begin(), alerts.end(), [&](const auto& a) { return a.rule() == rule; });
  REQUIRE(found != alerts.end());
  return *found;
}

bool has(const v1::Alert& alert, const std::string& code) {
  return std::any_of(alert.reasons().begin(), alert.reasons().end(),
                     [&](const auto& reason) { return reason.code() == code; });
}

}  // namespace

TEST_CASE("An empty configuration changes nothing") {
  const Alerts plain = run_pipeline(chain().host, chain().events, Baseline::kEmpty);
  REQUIRE(plain.size() == 3);
  CHECK(wire(judged("")) == wire(plain));
}

TEST_CASE("Client and registry and destination are on the lists") {
  const Alerts alerts = judged(R"(
registries: ["203.0.113.10:5000"]
clients: [{address: 198.51.100.0/24}]
destinations: {allow: [{network: 198.51.100.66, port: 8080}]}
)");
  REQUIRE(alerts.size() == 3);
  const auto& request = of(alerts, "build-request");
  CHECK(has(request, "allowed-client"));
  CHECK_FALSE(has(request, "registry-not-allowed"));
  CHECK(request.severity() == v1::SEVERITY_MEDIUM);  // its context is remote all the same
  const auto& egress = of(alerts, "build-egress");
  CHECK(egress.severity() == v1::SEVERITY_LOW);
  CHECK(has(egress, "allowed-destination"));
  const auto& deploy = of(alerts, "image-deploy");
  CHECK(deploy.severity() == v1::SEVERITY_LOW);
  CHECK_FALSE(deploy.has_connection());
}

TEST_CASE("None of them is") {
  const Alerts alerts = judged(R"(
registries: [docker.io]
clients: [{uid: 1000, exe: /usr/bin/docker}]
destinations: {deny: [{port: 8080}]}
severity: {image-deploy: critical}
)");
  REQUIRE(alerts.size() == 3);
  const auto& request = of(alerts, "build-request");
  CHECK(has(request, "client-not-allowed"));
  CHECK(has(request, "registry-not-allowed"));
  CHECK(has(of(alerts, "build-egress"), "denied-destination"));
  CHECK(of(alerts, "image-deploy").severity() == v1::SEVERITY_CRITICAL);
}

TEST_CASE("An exception of that day and one that is over; a window that is too short") {
  const std::string rest =
      ", rule: build-egress, destination: {network: 198.51.100.0/24}}]\n"
      "windows: {deploy: 1s}\n";
  const std::string head = "exceptions: [{owner: ops, reason: test, expires: ";
  const Alerts excepted = judged(head + "2026-11-24" + rest);
  REQUIRE(excepted.size() == 2);  // 5 s after the build
  CHECK(of(excepted, "build-egress").severity() == v1::SEVERITY_INFO);
  CHECK(has(of(excepted, "build-egress"), "exception"));
  CHECK(of(judged(head + "2026-11-23" + rest), "build-egress").severity() == v1::SEVERITY_HIGH);
}

}  // namespace kilnwatch::test
