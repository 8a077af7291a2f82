// What is known of one build while it runs, and until nothing of it can come any more.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "domain/finding.h"
#include "tracker/step_lines.h"
#include "tracker/vertices.h"
#include "tracker/waiting.h"

namespace kilnwatch::tracker {

struct Run {
  domain::Build build;
  domain::TimeNs active = 0;    // last fact
  domain::TimeNs known_at = 0;  // base images; 0: not yet
  std::string context_url;      // where the engine gets the context from; empty: nowhere
  bool reported = false;
  bool lossy = false;               // lines may be missing
  std::uint32_t total = 0;          // 0: not established
  std::uint32_t number = 0;         // of the last step that the kernel confirmed
  std::string running;              // the last confirmed container
  domain::TimeNs confirmed_at = 0;  // the first one's start; 0: none yet
  domain::Step line;                // the last "Step i/n" that could be true; number 0: none
  std::deque<Announced> announced;
  std::vector<Unclaimed> unclaimed;
  std::uint64_t newest_cgroup = 0;     // when it was requested
  std::vector<std::string> aux_ids;    // full ids, last two
  std::string final_id;                // of the last "Successfully built"
  std::vector<std::string> tag_lines;  // after that
  Vertices vertices;                   // BuildKit
  std::set<std::string> containers;    // BuildKit: those that may be its steps
  bool remembered = false;             // a command: its image
  bool contested = false;              // a command: which image it made is not known
  std::uint32_t engine_pid = 0;        // of the engine that was asked; 0: not known
  StepLines lines;                     // podman's API
  std::string message;                 // the engine's, of why it failed
  std::optional<domain::Step> failed;  // the step that did
  bool failure_told = false;
  domain::TimeNs lost_at = 0;  // bytes of its conversation were, last
};

}  // namespace kilnwatch::tracker
