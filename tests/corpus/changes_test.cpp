// What changes in a company while it builds, and how often that is told.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <iostream>
#include <set>

#include "corpus/company.h"

namespace kilnwatch::test::corpus {
namespace {

constexpr std::uint64_t kStart = 1'000'000;  // ms
constexpr std::uint64_t kDay = 86'400'000;   // ms
constexpr std::uint64_t kMs = 1'000'000;     // ns

struct Years {
  Company here = company();
  std::size_t learnt = 400;
  std::size_t judged = 1000;
  std::uint64_t pause = 600'000;  // ms between the two
};

// What is told of the second pass. `change`: of the company, before it.
template <class Change>
Alerts judged_after(Years years, const Change& change) {
  Site site(years.here.internet, 1);
  const auto first = season(years.here.plans, {kStart, years.learnt, 3, Habit::kPlain});
  for (const auto& [ms, build] : first) site.play(build, ms);
  const std::uint64_t between = first.back().ms + years.pause;
  change(years.here);
  for (const auto& [ms, build] :
       season(years.here.plans, {between, years.judged, 4, Habit::kPlain}))
    site.play(build, ms);
  Alerts out;
  for (auto& alert : run_pipeline(kBuilder, site.events(), Baseline::kEmpty)) {
    if (boot_ms(alert) >= between) out.push_back(std::move(alert));
  }
  return out;
}

Fetch fetch_of(const std::string& name) {
  Fetch fetch;
  fetch.name = name;
  fetch.args = {"curl", "-fsS", "https://" + name + "/x"};
  return fetch;
}

Fetch by_proxy(Fetch fetch) {
  fetch.address = "10.20.0.9";
  fetch.port = 3128;
  fetch.tls = false;
  fetch.answer = Answer::kNothing;
  return fetch;
}

// Of alerts of connections above LOW.
std::multiset<std::string> names_told(const Alerts& alerts) {
  std::multiset<std::string> out;
  for (const auto& alert : alerts) {
    if (alert.rule() == "build-egress" && alert.severity() > v1::SEVERITY_LOW)
      out.insert(alert.connection().domain());
  }
  return out;
}

}  // namespace

TEST_CASE("a new mirror is told once, whoever builds with it") {
  const auto alerts = judged_after({}, [](Company& here) {
    here.internet.add("mirror.new.test", {"198.18.220.1", "198.18.220.2", "198.18.220.3"});
    for (Plan& plan : here.plans) {
      for (Step& step : plan.steps) {
        if (!step.is_run || step.fetches.empty()) continue;
        step.fetches.push_back(fetch_of("mirror.new.test"));
        break;
      }
    }
  });
  CHECK(names_told(alerts) == std::multiset<std::string>{"mirror.new.test"});
}

TEST_CASE("what nobody built for longer than the baseline keeps is told again, each name once") {
  Years years;
  years.pause = 40 * kDay;
  const auto told = names_told(judged_after(years, [](Company&) {}));
  std::set<std::string> names;
  for (const Plan& plan : years.here.plans) {
    for (const Step& step : plan.steps) {
      for (const Fetch& fetch : step.fetches) names.insert(fetch.name);
    }
  }
  CHECK(told.size() <= names.size());
  CHECK(told.size() == std::set<std::string>(told.begin(), told.end()).size());
}

TEST_CASE("of builds that all go through a proxy each name is told once") {
  Years years;
  for (Plan& plan : years.here.plans) {
    for (Step& step : plan.steps) {
      for (Fetch& fetch : step.fetches) {
        fetch = by_proxy(fetch);
      }
    }
  }
  const auto alerts = judged_after(years, [](Company& here) {
    Fetch other = by_proxy(fetch_of("new.test"));
    here.plans.front().steps.push_back({"RUN curl http://new.test/", true, false, {}, {other}});
  });
  CHECK(names_told(alerts) == std::multiset<std::string>{"new.test"});
}

TEST_CASE("thirty builds of one file at once are told as one is") {
  Years years;
  years.judged = 0;
  Site site(years.here.internet, 1);
  const auto first = season(years.here.plans, {kStart, 400, 3, Habit::kPlain});
  for (const auto& [ms, build] : first) site.play(build, ms);
  const std::uint64_t between = first.back().ms + 600'000;
  const auto second = season(years.here.plans, {between, 30, 4, Habit::kPlain});
  for (std::size_t n = 0; n < 30; ++n) {
    Build build = second.front().build;
    build.builder = Builder::kClassic;  // BuildKit runs a step that they share once
    build.tag = "company/many:" + std::to_string(n);
    site.play(build, between + n * 7);
  }
  for (const auto& alert : run_pipeline(kBuilder, site.events(), Baseline::kEmpty)) {
    if (boot_ms(alert) < between) continue;
    INFO(alert.rule() << " " << alert.summary());
    CHECK(alert.severity() <= v1::SEVERITY_LOW);
  }
}

// The check of the thousand fails where it should.
TEST_CASE("one attack that passes for a company's build is more than none") {
  for (const std::string address : {"203.0.113.200", ""}) {
    const auto alerts = judged_after({}, [&](Company& here) {
      Fetch fetch = fetch_of("payload.test");
      fetch.address = address;
      here.plans.front().steps.push_back(
          {"RUN curl https://payload.test", true, false, {}, {fetch}});
    });
    CHECK(names_told(alerts).size() == 1);
    CHECK(above_low(alerts) >= 1);
  }
}

TEST_CASE("no order of records within 50 ms changes what is told of a company") {
  const Company here = company();
  Site site(here.internet, 1);
  for (const auto& [ms, build] : season(here.plans, {kStart, 150, 3, Habit::kPlain}))
    site.play(build, ms);
  const auto told = [&](const Events& events) {
    std::multiset<std::string> out;
    for (const auto& alert : run_pipeline(kBuilder, events, Baseline::kForgets))
      out.insert(alert.id() + " " + v1::Severity_Name(alert.severity()));
    return out;
  };
  const auto truth = told(site.events());
  for (const std::uint64_t seed : {1, 2})
    CHECK(told(permute(site.events(), 50 * kMs, seed)) == truth);
}

// Figures, no claim: test_corpus "[lost-answers]"
TEST_CASE("figures of answers of DNS that are not seen", "[.lost-answers]") {
  const Company here = company();
  for (const std::size_t every : {100, 20, 5}) {
    Site site(here.internet, 1);
    const auto first = season(here.plans, {kStart, 400, 3, Habit::kPlain});
    for (const auto& [ms, build] : first) site.play(build, ms);
    const std::uint64_t between = first.back().ms + 600'000;
    for (const auto& [ms, build] : season(here.plans, {between, 1000, 4, Habit::kPlain}))
      site.play(build, ms);
    Events events = site.events();
    std::size_t answers = 0;
    std::erase_if(events, [&](const auto& event) {
      return std::holds_alternative<domain::DnsAnswered>(event) && ++answers % every == 0;
    });
    Alerts alerts;
    for (auto& alert : run_pipeline(kBuilder, events, Baseline::kEmpty)) {
      if (boot_ms(alert) >= between) alerts.push_back(std::move(alert));
    }
    std::cout << "one answer in " << every << " not seen: " << above_low(alerts)
              << " alerts above LOW in 1,000 builds\n";
  }
}

}  // namespace kilnwatch::test::corpus
