// Builds that fail, and in which step.
#include <algorithm>

#include "tracker/tracker.h"
#include "tracker/vertex_text.h"

namespace kilnwatch::tracker {

using namespace domain;

// BuildKit says of a node that it failed. What the container ran stands for its name, which has the
// values of variables.
void Tracker::note_failure(Run& run, const Vertex& vertex) {
  if (run.failed) return;
  Step step;
  step.number = vertex.number;
  step.total = vertex.total;
  step.stage = vertex.stage;
  for (const std::string& id : run.containers) {
    const Container* container = containers_.find(id);
    if (container == nullptr) continue;
    const auto found = matches(*container, false);
    if (found.size() != 1 || !found.front().sure || found.front().vertex != &vertex) continue;
    if (!step.container_id.empty()) {  // two that can only be this one: something is not known
      step.container_id.clear();
      step.instruction.clear();
      break;
    }
    step.container_id = id;
    step.instruction = instruction_of(container->init_args);
  }
  run.failed = std::move(step);
}

// The classic builder's own words, which no step can write, say that a RUN failed: the last one
// that ran.
void Tracker::note_failure(Run& run, const std::string& message) {
  if (run.build.request.buildkit || run.failed ||
      message.find("returned a non-zero code: ") == message.npos)
    return;
  const Container* container = containers_.find(run.running);
  if (container == nullptr) return;
  Owner owner = owner_of(*container, true);
  if (owner.runs.size() != 1 || owner.run != &run || owner.unsure) return;
  owner.step.container_id = container->id;
  run.failed = std::move(owner.step);
}

// BuildKit's news of the step may come over another connection than the end.
void Tracker::await_failure(Run& run, TimeNs time) {
  timers_.at(time + kFailureWait, [this, call = run.build.request.call](TimeNs due) {
    Run* found = run_of(call);
    if (found != nullptr) tell_failure(*found, due);
  });
}

void Tracker::tell_failure(Run& run, TimeNs time) {
  if (run.build.status != BuildStatus::kFailed || std::exchange(run.failure_told, true)) return;
  Moment moment;
  moment.kind = MomentKind::kBuildFailed;
  moment.time = time;
  moment.call = run.build.request.call;
  moment.build = run.build;
  moment.step = run.failed;
  moment.reasons = vertex_reasons(run);
  if (!run.message.empty()) moment.reasons.push_back({"engine-message", run.message});
  tell(std::move(moment));
}

}  // namespace kilnwatch::tracker
