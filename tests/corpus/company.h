// The company's builds as alerts: learnt first, then looked at; with attacks among them or without.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "corpus/attacks.h"
#include "corpus/site.h"
#include "corpus/variants.h"
#include "harness/replay_run.h"

namespace kilnwatch::test::corpus {

// And then each Dockerfile once without its cache that none of these built in full: nothing is
// learnt of a step that never ran.
inline constexpr std::size_t kLearnt = 400;
inline constexpr std::size_t kJudged = 1000;
inline const domain::HostFacts kBuilder{"builder", "boot", "machine", "6.12.0",
                                        1'700'000'000'000'000'000};

// Recordings of the lab (tests/replay/cases, SUITE-company-…) where they are, else the Dockerfiles.
struct Company {
  Internet internet;
  std::vector<Plan> plans;
  bool recorded = false;
};
Company company();

// What the sensor told of one pass of builds.
struct Told {
  Alerts alerts;
  std::vector<Reached> reached;
  std::size_t builds = 0;
};

struct Passes {
  Told learning;  // at least kLearnt builds, of which the first met an empty baseline
  Told judged;    // 1,000 builds after that, and the attacks
  // ms from and to: an attack ran that has the host's network, so that what the host hears
  // meanwhile makes no name true (docs/decisions: host-heard-names).
  std::vector<std::pair<std::uint64_t, std::uint64_t>> unheard = {};
};

Passes play_company(const Company& company, const std::vector<Attack>& attacks, Habit habit,
                    std::uint64_t seed, const policy::Policy& policy = {});

// When it was told, on the clock that builds are played by.
std::uint64_t boot_ms(const google::protobuf::Timestamp& time);
std::uint64_t boot_ms(const v1::Alert& alert);

// "RULE SEVERITY" -> alerts, of those at or above it.
std::map<std::string, std::size_t> count_alerts(const Alerts& alerts, v1::Severity at_least);
std::size_t above_low(const Alerts& alerts);
// As people read it, for docs/detection.md.
std::string figures(const Told& told);

bool is_of(const v1::Alert& alert, const Attack& attack);
bool is_benign(const v1::Alert& alert);

}  // namespace kilnwatch::test::corpus
