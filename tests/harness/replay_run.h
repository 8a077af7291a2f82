// A recording read once and run through the pipeline as often as a test needs.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "domain/host.h"
#include "harness/mangle.h"
#include "kilnwatch/v1/alert.pb.h"
#include "policy/policy.h"

namespace kilnwatch::test {

struct Recording {
  domain::HostFacts host;
  Events events;
};

// An error also when only a part of it can be read.
base::Result<Recording> read_recording(const std::string& path);

enum class Baseline {
  kEmpty,   // as `replay`: what was seen in this run is known from then on
  kForgets  // every destination counts as new: which alert comes first does not matter
};

using Alerts = std::vector<v1::Alert>;

Alerts run_pipeline(const domain::HostFacts& host, const Events& events, Baseline baseline,
                    const policy::Policy& policy = {});

// A build as the conversations tell it, without tracker and rules.
struct BuildSpan {
  domain::ConnId conn = 0;
  domain::TimeNs started = 0;
  domain::TimeNs ended = 0;  // 0: not within the recording
};
std::vector<BuildSpan> builds_of(const Events& events);

}  // namespace kilnwatch::test
