// Which step of which build a container is, by the lines that name it.
#include <algorithm>

#include "identity/container.h"
#include "tracker/agreement.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

// An exit that was not seen leaves this true until the next confirmed container.
bool Tracker::step_running(const Run& run, TimeNs at) {
  const Container* container = run.running.empty() ? nullptr : containers_.find(run.running);
  return container != nullptr && (container->exited == 0 || container->exited > at);
}

// A client's own containers, another engine's and those seen in an earlier life are no steps.
bool Tracker::could_be_step(const Container& container) const {
  return !container.other_engine && !by_api_.contains(api_key(container.uid, container.id)) &&
         !containers_.over(container.id);
}

// Announced, then started: by time and by the age of its cgroup. One whose start was not seen may
// be older than the sensor: then only the cgroup can tell.
bool Tracker::fits(const Announced& announced, const Container& container) const {
  const std::uint64_t newest = announced.newest_cgroup;
  const bool dated = newest != 0 && container.cgroup != 0;
  return could_be_step(container) && container.first_seen + kSlack >= announced.time &&
         (container.start_seen ? !dated || container.cgroup >= newest
                               : dated && container.cgroup > newest);
}

// It began while the build was open, and may be of its engine.
bool Tracker::in_window(const Run& run, const Container& container) const {
  const Build& build = run.build;
  // Of several engines with BuildKit each runs its own steps.
  if (container.engine_pid != 0 && run.engine_pid != 0 && container.engine_pid != run.engine_pid)
    return false;
  TimeNs began = build.started;
  if (build.request.midway) {  // at some time in the life of its connection
    const auto conn = conns_.find(build.request.call.conn);
    began = conn == conns_.end() || conn->second.opened.midway ? 0 : conn->second.opened.time;
  }
  return container.first_seen + kSlack >= began &&
         (build.ended == 0 || container.first_seen <= build.ended) &&
         (container.cgroup == 0 || container.cgroup >= run.newest_cgroup);
}

void Tracker::claim(const CallId& call, const Announced& announced, Container& container) {
  for (const Claim& claim : container.claims) {
    if (claim.call == call) return;
  }
  if (container.claims.size() >= kMaxCandidates) return;
  container.claims.push_back({call, announced.step, announced.in_step});
  for (auto& [id, run] : runs_) {
    std::erase_if(run.unclaimed, [&](const Unclaimed& u) { return u.id == container.id; });
  }
}

// A container was met, or what it runs is known now.
void Tracker::consider(Container& container) {
  if (!could_be_step(container)) return;
  if (identity::is_buildkit_step(container.id)) return note_step(container);
  if (!container.above.empty()) {
    if (workers_.above(container.above) != nullptr) {
      note_command_step(container);
    } else {
      note_served_step(container);
    }
    return decide_waiting(container, now_);
  }
  for (auto& [call, run] : runs_) {
    for (auto it = run.announced.rbegin(); it != run.announced.rend(); ++it) {
      if (!container.id.starts_with(it->short_id) || !fits(*it, container)) continue;
      claim(call, *it, container);
      break;
    }
  }
  if (container.claims.empty()) {
    note_unclaimed(container);
  } else {
    confirm(container);
  }
  decide_waiting(container, now_);
}

// The claim to believe; null: several are as good, or the only one may be a step's output.
const Claim* Tracker::winner(const Container& container) const {
  const Claim* best = nullptr;
  std::size_t clean = 0;
  for (const Claim& claim : container.claims) {
    if (claim.in_step) continue;
    best = &claim;
    ++clean;
  }
  if (clean == 1) return best;
  best = nullptr;
  for (const Claim& claim : container.claims) {
    if ((clean > 0 && claim.in_step) ||
        !agrees(claim.step.instruction, container, Agreement::kAgrees))
      continue;
    if (best != nullptr) return nullptr;
    best = &claim;
  }
  return clean > 0 || container.claims.size() == 1 ? best : nullptr;
}

void Tracker::confirm(Container& container) {
  const Claim* claim = winner(container);
  Run* run = claim != nullptr ? run_of(claim->call) : nullptr;
  if (run == nullptr) return;
  run->running = container.id;
  if (run->confirmed_at == 0) run->confirmed_at = container.first_seen;
  if (claim->step.number == 0 || agrees(claim->step.instruction, container, Agreement::kDiffers))
    return;
  run->number = std::max(run->number, claim->step.number);
  if (run->total == 0) run->total = claim->step.total;
}

Tracker::Owner Tracker::claimed(const Container& container, bool last) {
  const Claim* claim = winner(container);
  if (claim == nullptr) {
    std::vector<Candidate> possible;
    for (const Claim& one : container.claims) {
      Run* run = run_of(one.call);
      if (run == nullptr || agrees(one.step.instruction, container, Agreement::kDiffers)) continue;
      possible.push_back({run, one.step.number});
    }
    if (possible.empty()) return inferred(container, last);
    Owner owner = choose(possible, container);
    owner.reasons.push_back({"announced-in-step-output",
                             "the line that names this container may be a step's own output"});
    return owner;
  }
  Owner owner;
  Run* run = run_of(claim->call);
  if (run == nullptr) return owner;
  const Agreement agreement =
      compare(claim->step.instruction, container.init_args, container.args_cut);
  // Under FROM run the base image's triggers, or a line was lost after it.
  const bool doubtful =
      run->lossy && agreement == Agreement::kUnknown && claim->step.instruction.starts_with("FROM");
  if (claim->step.number != 0 && agreement != Agreement::kDiffers && !doubtful) {
    owner.run = run;
    owner.runs = {run};
    owner.step = claim->step;
    const auto clean = std::count_if(container.claims.begin(), container.claims.end(),
                                     [](const Claim& c) { return !c.in_step; });
    owner.step.attribution =
        container.start_seen && clean <= 1 ? Attribution::kExact : Attribution::kInferred;
    if (!container.start_seen)
      owner.reasons.push_back({"start-not-seen", "the start of the container was not seen"});
    if (clean > 1)
      owner.reasons.push_back({"announced-twice", "other builds announced this container, too"});
    return owner;
  }
  // The line is missing or contradicted: what fits the container's command?
  std::vector<Candidate> fitting;
  for (const std::uint32_t n : numbers_of(*run, container)) {
    const auto& text = run->build.dockerfile->instructions[n - 1].text;
    if (n > run->number && (claim->step.number == 0 || agrees(text, container, Agreement::kAgrees)))
      fitting.push_back({run, n});
  }
  if (claim->step.number != 0 && !doubtful) {
    for (auto& [call, other] : runs_) {
      if (&other != run) candidates_of(other, container, false, fitting);
    }
  }
  if (fitting.empty()) fitting.push_back({run, 0});
  owner = choose(fitting, container);
  if (claim->step.number == 0 || doubtful) {
    owner.reasons.push_back({"line-lost", "the line of the step was lost"});
  } else {
    owner.reasons.push_back({"command-differs", "announced as step " +
                                                    std::to_string(claim->step.number) + ": " +
                                                    claim->step.instruction});
  }
  return owner;
}

Tracker::Owner Tracker::owner_of(const Container& container, bool last) {
  if (identity::is_buildkit_step(container.id)) return vertex_owner(container, last);
  if (!container.above.empty()) {
    const bool command = workers_.above(container.above) != nullptr;
    return command ? command_owner(container) : served_owner(container, last);
  }
  return container.claims.empty() ? inferred(container, last) : claimed(container, last);
}

}  // namespace kilnwatch::tracker
