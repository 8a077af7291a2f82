// Steps of builds that podman's API was asked for. Their containers are made below the service by
// lineage; which build's, and which step, is told by the line that each build was at when the
// container began and by what it runs, else by the Dockerfile.
#include <algorithm>

#include "base/text.h"
#include "tracker/agreement.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

bool is_run(const std::string& instruction) {
  return base::lower(instruction.substr(0, 3)) == "run";
}

Reason candidate_text(const Build& build, const Step& step) {
  const std::string number = step.number != 0 ? std::to_string(step.number) : "unknown";
  return {"candidate", "build " + build.id + " step " + number +
                           (step.stage.empty() ? "" : " of " + step.stage) + ": " +
                           step.instruction};
}

}  // namespace

bool Tracker::is_served(const Run& run, const std::vector<identity::ProcessKey>& above) {
  return run.engine_pid != 0 && !run.build.request.command &&
         run.build.request.engine == EngineKind::kPodman &&
         std::any_of(above.begin(), above.end(),
                     [&](const auto& process) { return process.pid == run.engine_pid; });
}

// Of a build here: a command, or one that a service was asked for.
bool Tracker::is_ours(const identity::BuildStep& step) const {
  return workers_.above(step.above) != nullptr ||
         std::any_of(runs_.begin(), runs_.end(),
                     [&](const auto& one) { return is_served(one.second, step.above); });
}

// The builds that may have had this container started.
std::vector<Tracker::Run*> Tracker::served_runs(const Container& container) {
  std::vector<Run*> found;
  for (auto& [call, run] : runs_) {
    const Build& build = run.build;
    const bool in_time = container.first_seen + kSlack >= build.started &&
                         (build.ended == 0 || container.first_seen <= build.ended);
    if (in_time && is_served(run, container.above)) found.push_back(&run);
  }
  return found;
}

void Tracker::on_podman_line(Run& run, const BuildStepAnnounced& fact) {
  if (!run.lines.add(fact)) return lose("step-lines", 1, fact.time, fact.call, &run);
  // Until a container starts the lines are the builder's.
  const std::string& text = fact.instruction;
  if (run.running.empty() && !run.build.dockerfile && text.starts_with("FROM ")) {
    const auto image = text.substr(5, text.find(' ', 5) - 5);
    auto& images = run.build.base_images;
    if (std::find(images.begin(), images.end(), image) == images.end() && images.size() < kMaxTags)
      images.push_back(image);
  }
  known(run, fact.time);
}

// The container was met, or what it runs is known now. What was said until then counts: from here
// on it can write lines of its own.
void Tracker::note_served_step(Container& container) {
  const auto runs = served_runs(container);
  for (Run* run : runs) {
    run->active = std::max(run->active, container.first_seen);
    note_row(*run, container, runs.size() == 1);
    const bool in_step = step_running(*run, container.first_seen);
    const bool told =
        std::any_of(container.claims.begin(), container.claims.end(),
                    [&](const Claim& one) { return one.call == run->build.request.call; });
    for (const auto& [stage, line] : run->lines.all()) {
      const bool taken = !line.container.empty() && line.container != container.id;
      if (!told && !taken && is_run(line.step.instruction) &&
          container.claims.size() < kMaxCandidates)
        container.claims.push_back({run->build.request.call, line.step, in_step});
    }
  }
  if (container.init_pid == 0) return;
  const Owner owner = served_owner(container, false);
  if (owner.run == nullptr) return;
  owner.run->running = container.id;
  for (auto& [stage, line] : owner.run->lines.all()) {
    if (line.step.number == owner.step.number && line.step.stage == owner.step.stage)
      line.container = container.id;
  }
}

// Steps of one build that the container may be.
std::vector<Tracker::ServedStep> Tracker::served_steps(Run& run, const Container& container) {
  std::vector<ServedStep> found;
  const bool lines =
      std::any_of(container.claims.begin(), container.claims.end(),
                  [&](const Claim& one) { return one.call == run.build.request.call; });
  if (lines) {
    for (const Claim& one : container.claims) {
      if (one.call != run.build.request.call) continue;
      const Agreement a = compare(one.step.instruction, container.init_args, container.args_cut);
      if (a != Agreement::kDiffers)
        found.push_back(
            {&run, one.step, a == Agreement::kAgrees, a == Agreement::kAgrees || !one.in_step});
    }
    return found;
  }
  // It says nothing, or what it said was lost; one that is at no RUN line starts no container.
  if (!run.build.request.quiet && !run.lossy && !run.lines.all().empty()) return found;
  if (!run.build.dockerfile) {
    Step step;
    step.instruction = instruction_of(container.init_args);
    return {{&run, step, false, false}};
  }
  const auto all = numbers_of(run, container);
  const bool in_order = all.size() > 1 && !run.build.request.parallel;
  const auto left = in_order ? ordered_numbers(run, container.id) : all;
  for (const std::uint32_t number : left) {
    const Step step = command_step(run, number);
    const bool sure = agrees(step.instruction, container, Agreement::kAgrees);
    found.push_back({&run, step, sure, sure && all.size() == 1});
  }
  return found;
}

// `last`: nothing more will be known. Before that only what is certain.
Tracker::Owner Tracker::served_owner(const Container& container, bool last) {
  Owner owner;
  const auto runs = served_runs(container);
  if (runs.empty()) return owner;
  std::vector<ServedStep> found;
  for (Run* run : runs) {
    const auto steps = served_steps(*run, container);
    found.insert(found.end(), steps.begin(), steps.end());
  }
  const bool alone = runs.size() == 1;
  const bool all_kept = container.claims.size() < kMaxCandidates;
  if (found.size() == 1) {
    const ServedStep& one = found.front();
    const bool exact = one.certain && (one.agrees || alone) && all_kept && container.start_seen &&
                       container.init_pid != 0;
    if (!exact && !last) return owner;
    owner.run = one.run;
    owner.runs = {one.run};
    owner.step = one.step;
    owner.step.attribution = exact ? Attribution::kExact : Attribution::kInferred;
    if (!exact)
      owner.reasons.push_back(
          {"told-from-kernel-facts", "what the container runs and when it started tell the step"});
    return owner;
  }
  if (!last) return owner;
  const bool differs = found.empty();
  if (differs) {
    Step step;
    step.instruction = instruction_of(container.init_args);
    for (Run* run : runs) found.push_back({run, step, false, false});
  }
  owner.run = found.front().run;
  owner.step = found.front().step;
  owner.step.attribution = found.size() == 1 ? Attribution::kInferred : Attribution::kAmbiguous;
  for (const ServedStep& one : found) {
    if (std::find(owner.runs.begin(), owner.runs.end(), one.run) == owner.runs.end())
      owner.runs.push_back(one.run);
    if (one.step.number != owner.step.number) owner.step.number = 0;
    if (one.step.total != owner.step.total) owner.step.total = 0;
    if (one.step.stage != owner.step.stage) owner.step.stage.clear();
    if (one.step.instruction != owner.step.instruction)
      owner.step.instruction = instruction_of(container.init_args);
    if (found.size() > 1 && owner.reasons.size() < kMaxCandidates)
      owner.reasons.push_back(candidate_text(one.run->build, one.step));
  }
  if (differs)
    owner.reasons.push_back({"command-differs",
                             "no line of the builder and no instruction that is "
                             "known says what the container runs"});
  return owner;
}

}  // namespace kilnwatch::tracker
