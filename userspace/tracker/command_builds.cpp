// Builds that are commands: no line of a builder tells their steps. Which build a step is of is
// told by lineage, which instruction by what it runs and the order in which steps start.
#include <algorithm>

#include "identity/container.h"
#include "tracker/agreement.h"
#include "tracker/scopes.h"
#include "tracker/step_flags.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

// What the command left behind is read at once; how late it may come.
constexpr TimeNs kStoreWait = 100'000'000;

bool has_reason_room(const std::vector<Reason>& reasons) { return reasons.size() < kMaxCandidates; }

}  // namespace

void Tracker::on(const CommandJoined& fact) {
  if (active_run(fact.call, fact.time) == nullptr) return;
  if (!workers_.add({fact.pid, fact.start}, {fact.call, fact.instruction}))
    lose("builds", 1, fact.time);
}

// A step of another build runs the command: what it makes is that step's.
bool Tracker::within_step(const Process& command) {
  if (steps_.step_of(command) != nullptr) return true;
  const Container* outer = containers_.find(identity::container_of(command.cgroup));
  if (outer == nullptr || !outer->start_seen || !could_be_step(*outer)) return false;
  return std::any_of(runs_.begin(), runs_.end(), [&](const auto& one) {
    return !one.second.build.request.command && in_window(one.second, *outer);
  });
}

void Tracker::begin_command(Run& run) {
  const CommandBuild& command = *run.build.request.command;
  run.build.engine = run.build.request.engine;
  run.build.client.transport = Transport::kNone;
  run.lossy = run.lossy || command.late;
  if (command.client.pid == 0) return;  // who began it is not known
  run.build.client.process = command.client;
  run.build.client.container_id = identity::container_of(command.client.cgroup);
  run.build.container_id = run.build.client.container_id;
  if (!workers_.add(identity::key_of(command.client), {run.build.request.call, {}}))
    lose("builds", 1, run.build.started);
}

// The image is known when the store was read, which comes after the end.
void Tracker::end_command(Run& run, TimeNs time) {
  if (run.build.status != BuildStatus::kSucceeded) return;
  timers_.at(time + kStoreWait, [this, call = run.build.request.call](TimeNs due) {
    Run* found = run_of(call);
    if (found != nullptr) remember_command_image(*found, due);
  });
}

void Tracker::remember_command_image(Run& run, TimeNs time) {
  if (run.build.status != BuildStatus::kSucceeded || std::exchange(run.remembered, true)) return;
  Image image{run.final_id, run.tag_lines};
  // kaniko pushes: what it made is in no store here, under no name.
  if (run.build.engine == EngineKind::kKaniko) image.tags.clear();
  if (image.id.empty() && image.tags.empty()) return;
  const Process& client = run.build.request.command->client;
  std::vector<Reason> reasons;
  if (run.contested)
    reasons.push_back({"image-contested",
                       "another build gave this name to an image at the same time: which one this "
                       "build made is not known"});
  Made made{
      time, run.build, std::move(image), {}, std::move(reasons), {}, store_of_command(client)};
  tell_built(made, run.build.request.call, time);
  podman_images_.add(std::move(made));
}

// A builder under another name, or one whose command was not understood, has steps like any other.
// In a container they are that one's, whatever they call themselves.
void Tracker::note_stray_step(const Process& process, TimeNs time) {
  const auto step = steps_.step_of(process);
  if (step == nullptr || step->first != identity::key_of(process) || strays_.contains(step->id) ||
      is_ours(*step) || !identity::container_of(process.cgroup).empty())
    return;
  strays_.insert(step->id);
  // Who builds may be told a moment later.
  timers_.at(time + kClientWait, [this, step](TimeNs due) {
    const std::string cause = "unknown-builder";
    if (!is_ours(*step)) tell_loss(losses_.add({}, cause, 1, due), cause, due, {}, {});
  });
}

Run* Tracker::command_run(const Container& container) {
  const Work* work = workers_.above(container.above);
  return work != nullptr ? run_of(work->call) : nullptr;
}

void Tracker::note_command_step(const Container& container) {
  Run* run = command_run(container);
  if (run == nullptr) return;
  run->active = std::max(run->active, container.first_seen);
  // chroot has no network of its own (buildah: chroot/run_common.go); kaniko's is its container's.
  if (!container.named && run->build.engine != EngineKind::kKaniko)
    run->build.request.network_mode = "host";
  note_row(*run, container, true);
}

// The containers of a build in the order in which they began.
void Tracker::note_row(Run& run, const Container& container, bool sole) {
  auto& all = run.unclaimed;
  auto it = std::find_if(all.begin(), all.end(),
                         [&](const Unclaimed& one) { return one.id == container.id; });
  if (it == all.end()) {
    if (all.size() >= kMaxSteps) return;
    it = all.insert(it, {container.id, {}, 0, sole, 0});
  }
  it->numbers = numbers_of(run, container);
  it->ordinal = container.ordinal;
}

// As buildah counts them: within the stage, FROM is the first.
Step Tracker::command_step(const Run& run, std::uint32_t number) {
  const auto& all = run.build.dockerfile->instructions;
  Step step;
  step.instruction = all[number - 1].text;
  std::uint32_t stage = 0, stages = 0, at = 0;
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    if (all[i].is_from) {
      ++stages;
      if (i < number) {
        stage = stages;
        at = i;
      }
    }
  }
  const auto next = std::find_if(all.begin() + at + 1, all.end(),
                                 [](const Instruction& one) { return one.is_from; });
  step.number = number - at;
  step.total = static_cast<std::uint32_t>(next - (all.begin() + at));
  if (stages > 1) {
    step.stage = all[at].stage.empty() ? "stage-" + std::to_string(stage - 1) : all[at].stage;
  }
  return step;
}

Tracker::Owner Tracker::command_owner(const Container& container) {
  Owner owner;
  const Work* work = workers_.above(container.above);
  Run* run = work != nullptr ? run_of(work->call) : nullptr;
  if (run == nullptr) return owner;
  owner.run = run;
  owner.runs = {run};
  if (!work->instruction.empty()) {  // a working container's: the command names the step
    owner.step.instruction = work->instruction;
    owner.reasons = flag_reasons(work->instruction);
    return owner;
  }
  const auto& dockerfile = run->build.dockerfile;
  const auto numbers = dockerfile ? numbers_of(*run, container) : std::vector<std::uint32_t>();
  const auto left = run->build.request.parallel || numbers.size() < 2
                        ? numbers
                        : ordered_numbers(*run, container.id);
  if (left.size() == 1) {
    owner.step = command_step(*run, left.front());
    const bool sole = numbers.size() == 1 && container.start_seen &&
                      agrees(owner.step.instruction, container, Agreement::kAgrees);
    owner.step.attribution = sole ? Attribution::kExact : Attribution::kInferred;
    owner.reasons = flag_reasons(owner.step.instruction);
    return owner;
  }
  owner.step.instruction = instruction_of(container.init_args);
  owner.step.attribution = left.empty() ? Attribution::kInferred : Attribution::kAmbiguous;
  if (left.empty()) {
    owner.reasons.push_back(
        dockerfile ? Reason{"command-differs", "no RUN line of the file that was found runs this"}
                   : Reason{"dockerfile-unknown", "the file that is built was not found"});
  }
  for (const std::uint32_t number : left) {
    const Step step = command_step(*run, number);
    if (has_reason_room(owner.reasons))
      owner.reasons.push_back({"candidate", "build " + run->build.id + " step " +
                                                std::to_string(step.number) +
                                                (step.stage.empty() ? "" : " of " + step.stage) +
                                                ": " + step.instruction});
  }
  return owner;
}

}  // namespace kilnwatch::tracker
