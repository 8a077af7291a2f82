// What a company's builds are told as, before and after the destinations are known, and whether
// attacks among them are found (README.md).
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <iostream>
#include <set>
#include <tuple>

#include "corpus/company.h"

namespace kilnwatch::test::corpus {
namespace {

constexpr std::uint64_t kSeed = 1;

const Passes& plain() {
  static const Passes passes = [] {
    const Company here = company();
    REQUIRE(here.recorded);  // the figures are those of what real engines did
    return play_company(here, {}, Habit::kPlain, kSeed);
  }();
  return passes;
}

Alerts of_egress(const Alerts& alerts) {
  Alerts out;
  std::copy_if(alerts.begin(), alerts.end(), std::back_inserter(out),
               [](const auto& alert) { return alert.rule() == "build-egress"; });
  return out;
}

void at_most_one_above_low(const Alerts& alerts) {
  for (const auto& alert : alerts) {
    if (alert.severity() > v1::SEVERITY_LOW)
      UNSCOPED_INFO(alert.summary() << " " << alert.connection().domain());
  }
  CHECK(above_low(alerts) <= 1);
}

// It looked up a name while an attack could have forged the answer, and says that nobody verified
// it; or it deploys an image of a build that did (`doubted`).
bool is_doubted(const v1::Alert& alert, const Passes& passes,
                const std::set<std::string>& doubted) {
  const std::uint64_t ms = boot_ms(alert.connection().time());
  const bool beside =
      std::any_of(passes.unheard.begin(), passes.unheard.end(),
                  [ms](const auto& one) { return one.first <= ms && ms <= one.second; });
  if (alert.rule() == "image-deploy") return beside && doubted.contains(alert.build().id());
  return beside && std::any_of(alert.reasons().begin(), alert.reasons().end(),
                               [](const auto& r) { return r.code() == "name-unverified"; });
}

void found_and_apart(bool held_out, std::uint64_t seed = kSeed) {
  Company here = company();
  auto all = attacks(here.internet);
  std::erase_if(all, [&](const Attack& attack) { return attack.held_out != held_out; });
  REQUIRE(all.size() == (held_out ? 14 : 15));
  const auto passes = play_company(here, all, Habit::kPlain, seed);
  std::set<std::string> benign;
  for (const auto& alert : passes.judged.alerts) {
    if (is_benign(alert)) benign.insert(alert.build().id());
  }
  std::size_t played = 0, found = 0;
  for (const Attack& attack : all) {
    ++played;
    auto worst = v1::SEVERITY_UNSPECIFIED;
    for (const auto& alert : passes.judged.alerts) {
      if (!is_of(alert, attack)) continue;
      worst = std::max(worst, alert.severity());
      INFO(attack.build.id << ": " << alert.summary());
      CHECK_FALSE(is_benign(alert));
      CHECK_FALSE((alert.has_build() && benign.contains(alert.build().id())));
    }
    found += worst >= v1::SEVERITY_HIGH ? 1U : 0U;
    INFO(attack.build.id << " is told as " << v1::Severity_Name(worst));
    CHECK(worst >= v1::SEVERITY_HIGH);
  }
  // What is of no attack is no louder for the attacks beside it, nor is one told as a build's; but
  // where a name was looked up while one of them could have forged the answer.
  Alerts others;
  std::set<std::string> doubted;
  for (const auto& alert : passes.judged.alerts) {
    if (std::any_of(all.begin(), all.end(), [&](const auto& one) { return is_of(alert, one); }))
      continue;
    if (alert.severity() > v1::SEVERITY_LOW && is_doubted(alert, passes, doubted))
      doubted.insert(alert.build().id());
    else
      others.push_back(alert);
  }
  at_most_one_above_low(others);
  CHECK(doubted.size() <= passes.unheard.size());  // one beside each such attack
  std::cout << (held_out ? "held out: " : "tuned: ") << found << " of " << played
            << " attacks found at HIGH or above; beside those with the host's network "
            << doubted.size() << " builds told with names that could be forged\n";
}

}  // namespace

TEST_CASE("before learning a destination is told once, never each connection") {
  const auto& told = plain().learning;
  std::cout << "before learning: " << figures(told) << "\n";
  const auto alerts = of_egress(told.alerts);
  std::set<std::tuple<std::string, std::string, unsigned>> known;
  for (const auto& alert : alerts) {
    const auto& connection = alert.connection();
    INFO(alert.summary() << " " << connection.domain());
    CHECK(known
              .emplace(connection.domain(), connection.destination().ip(),
                       connection.destination().port())
              .second);
  }
  std::set<std::tuple<std::string, std::string, unsigned>> reached;
  for (const auto& one : told.reached) reached.emplace(one.name, one.ip, one.port);
  CHECK(alerts.size() <= reached.size());
}

// Targets that rules have to keep.
TEST_CASE("before learning a name is told once, whatever its addresses", "[target]") {
  const auto& told = plain().learning;
  std::set<std::pair<std::string, unsigned>> names;
  for (const auto& one : told.reached) names.emplace(one.name, one.port);
  std::map<std::pair<std::string, unsigned>, std::size_t> alerts;
  for (const auto& alert : of_egress(told.alerts)) {
    if (alert.severity() > v1::SEVERITY_LOW)
      ++alerts[{alert.connection().domain(), alert.connection().destination().port()}];
  }
  CHECK(alerts.size() == names.size());  // each, too
  for (const auto& [name, count] : alerts) {
    INFO(name.first << " port " << name.second);
    CHECK(count == 1);
  }
}

TEST_CASE("after learning at most one alert above LOW in 1,000 builds", "[target]") {
  std::cout << "after learning: " << figures(plain().judged) << "\n";
  at_most_one_above_low(plain().judged.alerts);
  // It is not for want of anything told: each build that is asked for is.
  const auto& told = plain().judged;
  CHECK(std::count_if(told.alerts.begin(), told.alerts.end(), [](const auto& alert) {
          return alert.rule() == "build-request";
        }) == static_cast<std::ptrdiff_t>(told.builds));
}

TEST_CASE("attacks among the builds are found, and none is told as one of them") {
  found_and_apart(false);
}

// Not to be looked at while rules and weights are chosen: test_corpus "[held-out]"
TEST_CASE("attacks that were set aside are found, too", "[.held-out]") { found_and_apart(true); }

// Other clients, orders, caches, addresses and times than those that weights were chosen by:
// test_corpus "[seeds]"
TEST_CASE("other companies of the same kind are told of no more", "[.seeds]") {
  for (const std::uint64_t seed : {2U, 3U, 4U}) {
    const auto passes = play_company(company(), {}, Habit::kPlain, seed);
    std::cout << "seed " << seed << ", learnt in " << passes.learning.builds
              << " builds: " << figures(passes.judged) << "\n";
    at_most_one_above_low(passes.judged.alerts);
    found_and_apart(false, seed);
  }
}

// Of these the sensor cannot know as much, or only as the host hears it: test_corpus "[habits]"
TEST_CASE("figures of other ways to build", "[.habits]") {
  for (const auto& [habit, name] : {std::pair{Habit::kJobInContainer, "jobs in containers"},
                                    std::pair{Habit::kRootless, "rootless podman"},
                                    std::pair{Habit::kOwnNetwork, "networks of compose"}}) {
    const auto told = play_company(company(), {}, habit, kSeed).judged;
    std::cout << name << ": " << figures(told) << "\n";
    if (habit != Habit::kJobInContainer) at_most_one_above_low(told.alerts);
  }
}

}  // namespace kilnwatch::test::corpus
