#include "company.h"

#include <algorithm>
#include <set>

#include "corpus/plans.h"
#include "corpus/services.h"
#include "tracker/limits.h"

namespace kilnwatch::test::corpus {
namespace {

constexpr std::uint64_t kStart = 1'000'000;                      // ms
constexpr std::uint64_t kLinger = tracker::kLinger / 1'000'000;  // ms

// Spread over the season, each while other builds run.
std::vector<Scheduled> among(std::vector<Scheduled> builds, const std::vector<Attack>& attacks) {
  const std::size_t every = builds.size() / (attacks.size() + 1);
  for (std::size_t i = 0; i < attacks.size(); ++i)
    builds.push_back({builds[every * (i + 1)].ms + 700, attacks[i].build});
  std::stable_sort(builds.begin(), builds.end(),
                   [](const auto& a, const auto& b) { return a.ms < b.ms; });
  return builds;
}

}  // namespace

std::uint64_t boot_ms(const google::protobuf::Timestamp& time) {
  const auto ns = static_cast<std::uint64_t>(time.seconds()) * 1'000'000'000 +
                  static_cast<std::uint64_t>(time.nanos());
  return (ns - kBuilder.wall_offset_ns) / 1'000'000 - Site::kBoot;
}
std::uint64_t boot_ms(const v1::Alert& alert) { return boot_ms(alert.time()); }

Company company() {
  const std::string folder = KILNWATCH_COMPANY;
  Company out{Internet::read(folder + "/names.txt"), recorded_plans_in(KILNWATCH_CASES, "company-"),
              true};
  const auto shapes = Shapes::read(folder + "/clients.txt");
  auto modelled = company_plans(folder + "/builds", shapes);
  std::set<std::string> recorded;  // of some suites, perhaps, and some again and again
  for (const Plan& plan : out.plans) recorded.insert(plan.dockerfile);
  out.recorded = recorded.size() >= modelled.size();
  if (!out.recorded) out.plans = std::move(modelled);
  return out;
}

Passes play_company(const Company& company, const std::vector<Attack>& attacks, Habit habit,
                    std::uint64_t seed, const policy::Policy& policy) {
  Site site(company.internet, seed);
  const auto learnt = season(company.plans, {kStart, kLearnt, seed * 2 + 1, habit, true});
  const auto first = with_services(learnt, seed);
  for (const auto& [ms, build] : first) site.play(build, ms);
  const std::size_t reached = site.reached().size();
  const std::uint64_t between = first.back().ms + 600'000;
  const auto second =
      among(with_services(season(company.plans, {between, kJudged, seed * 2 + 2, habit}), seed + 1),
            attacks);
  Passes passes;
  for (const auto& [ms, build] : second) {
    const std::uint64_t end = site.play(build, ms);
    if (build.request.find("networkmode=host") != std::string::npos)
      passes.unheard.emplace_back(ms, end + kLinger);
  }
  passes.learning.builds = learnt.size();
  passes.judged.builds = kJudged;
  const auto& all = site.reached();
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(reached);
  passes.learning.reached.assign(all.begin(), middle);
  passes.judged.reached.assign(middle, all.end());
  for (auto& alert : run_pipeline(kBuilder, site.events(), Baseline::kEmpty, policy)) {
    auto& pass = boot_ms(alert) < between ? passes.learning : passes.judged;
    pass.alerts.push_back(std::move(alert));
  }
  return passes;
}

std::map<std::string, std::size_t> count_alerts(const Alerts& alerts, v1::Severity at_least) {
  std::map<std::string, std::size_t> out;
  for (const auto& alert : alerts) {
    if (alert.severity() >= at_least)
      ++out[alert.rule() + " " + v1::Severity_Name(alert.severity()).substr(9)];
  }
  return out;
}

std::size_t above_low(const Alerts& alerts) {
  return static_cast<std::size_t>(std::count_if(
      alerts.begin(), alerts.end(), [](const auto& a) { return a.severity() > v1::SEVERITY_LOW; }));
}

std::string figures(const Told& told) {
  std::set<std::string> names, addresses;
  for (const auto& one : told.reached) {
    names.insert(one.name + " " + std::to_string(one.port));
    addresses.insert(one.name + " " + one.ip + " " + std::to_string(one.port));
  }
  std::string out = std::to_string(told.builds) + " builds, " +
                    std::to_string(told.reached.size()) + " connections to " +
                    std::to_string(names.size()) + " names at " + std::to_string(addresses.size()) +
                    " addresses: " + std::to_string(above_low(told.alerts)) + " alerts above LOW";
  for (const auto& [what, count] : count_alerts(told.alerts, v1::SEVERITY_INFO))
    out += "\n  " + what + ": " + std::to_string(count);
  return out;
}

bool is_of(const v1::Alert& alert, const Attack& attack) {
  const std::string text = alert.SerializeAsString();  // DebugString breaks lines
  return std::any_of(attack.marks.begin(), attack.marks.end(),
                     [&](const auto& mark) { return text.find(mark) != text.npos; });
}

bool is_benign(const v1::Alert& alert) {
  const auto& tags = alert.build().request().tags();
  return std::any_of(tags.begin(), tags.end(),
                     [](const auto& tag) { return tag.find("company/") != tag.npos; });
}

}  // namespace kilnwatch::test::corpus
