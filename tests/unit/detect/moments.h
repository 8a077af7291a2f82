// What tests of several rules begin with: the time, a configuration, a step's connection.
#pragma once

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <string>

#include "detect/detector.h"
#include "policy/parse.h"

namespace kilnwatch::test {

inline constexpr domain::TimeNs kSecond = 1'000'000'000;
inline constexpr std::uint64_t kWall = 1'800'000'000 * kSecond;  // of the boot

inline void configure(detect::Detector& detector, const std::string& text) {
  const auto policy = policy::parse(text, "f");
  if (!policy) FAIL(policy.error().message);
  detector.apply(*policy);
}

inline tracker::Moment connect(domain::TimeNs time, const std::string& ip,
                               const std::string& tls_name = {}) {
  static int containers = 0;
  tracker::Moment moment;
  moment.kind = tracker::MomentKind::kBuildEgress;
  moment.time = time;
  moment.build = domain::Build{};
  moment.build->id = "b1";
  moment.step = domain::Step{2, 3, "", "RUN x", "c", "", domain::Attribution::kExact};
  moment.connection = domain::Connection{};
  moment.connection->destination = {ip, 443};
  moment.connection->tls_name = tls_name;
  moment.connection->time = time;
  moment.key = std::to_string(++containers);
  return moment;
}

inline bool has(const domain::Finding& finding, const std::string& code) {
  return std::any_of(finding.reasons.begin(), finding.reasons.end(),
                     [&](const domain::Reason& reason) { return reason.code == code; });
}

}  // namespace kilnwatch::test
