// Steps of builds that podman's API was asked for. Their containers are made below the service by
// lineage; which build's, and which step, is told by the line that each build was at when the
// container began and by what it runs, else by the Dockerfile.
#include <algorithm>

#include "base/text.h"
#include "tracker/agreement.h"
#include "tracker/step_flags.h"
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
std::vector<Run*> Tracker::served_runs(const Container& container) {
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
    if (!has_image(images, image) && images.size() < kMaxTags) images.push_back(image);
  }
  known(run, fact.time);
  // What it has come to may tell which containers are not its own.
  for (auto& [call, other] : runs_) {
    if (other.engine_pid != run.engine_pid) continue;
    for (const Unclaimed& one : other.unclaimed) {
      Container* container = containers_.find(one.id);
      if (container != nullptr && !container->waiting.empty())
        decide_waiting(*container, fact.time);
    }
  }
}

// The container's first process runs now, what it runs is known. What was said until then counts:
// from here on it can write lines of its own.
void Tracker::note_served_step(Container& container) {
  const auto runs = served_runs(container);
  for (Run* run : runs) {
    const CallId& call = run->build.request.call;
    run->active = std::max(run->active, container.first_seen);
    note_row(*run, container, runs.size() == 1);
    const bool in_step = step_running(*run, container.first_seen);
    const bool told = std::any_of(container.claims.begin(), container.claims.end(),
                                  [&](const Claim& one) { return one.call == call; });
    if (told || container.init_pid == 0) continue;
    for (const auto& [stage, step] : run->lines.all()) {
      if (is_run(step.instruction) && !run->lines.is_taken(step, container.id) &&
          container.claims.size() < kMaxCandidates)
        container.claims.push_back({call, step, in_step});
    }
  }
  served_owner(container, false);
}

// By the Dockerfile alone.
std::vector<Tracker::ServedStep> Tracker::steps_of_file(Run& run, const Container& container) {
  std::vector<ServedStep> found;
  const auto all = numbers_of(run, container);
  const bool in_order = all.size() > 1 && !run.build.request.parallel;
  const auto left = in_order ? ordered_numbers(run, container.id) : all;
  for (const std::uint32_t number : left) {
    const Step step = command_step(run, number);
    if (run.lines.is_taken(step, container.id)) continue;
    const bool sure = agrees(step.instruction, container, Agreement::kAgrees);
    found.push_back({&run, step, sure, sure && all.size() == 1});
  }
  return found;
}

// Steps of one build that the container may be.
std::vector<Tracker::ServedStep> Tracker::served_steps(Run& run, const Container& container) {
  std::vector<ServedStep> found;
  bool lines = false;
  for (const Claim& one : container.claims) {
    if (one.call != run.build.request.call) continue;
    lines = true;
    const Agreement a = compare(one.step.instruction, container.init_args, container.args_cut);
    const bool sure = a == Agreement::kAgrees;
    if (a != Agreement::kDiffers) found.push_back({&run, one.step, sure, sure || !one.in_step});
  }
  // A build that is at no RUN line starts no container, unless it says nothing, or what it said was
  // lost.
  const bool silent = run.build.request.quiet || run.lossy || run.lines.all().empty();
  if (lines || !silent) return found;
  if (run.build.dockerfile) return steps_of_file(run, container);
  Step step;
  step.instruction = instruction_of(container.init_args);
  return {{&run, step, false, false}};
}

// A build whose lines say that the container is none of its steps: its Dockerfile says so, too, or
// it has written since, and nothing between was lost.
bool Tracker::surely_not(Run& run, const Container& container) {
  const auto& dockerfile = run.build.dockerfile;
  if (dockerfile && dockerfile->whole && steps_of_file(run, container).empty()) return true;
  const auto conn = conns_.find(run.build.request.call.conn);
  return conn != conns_.end() && conn->second.answered > container.first_seen &&
         run.lost_at < container.first_seen;
}

// What could not be read shortly before may have been the request of its build.
bool Tracker::lost_before(const Container& container) const {
  constexpr TimeNs kHidden = 60 * kSecond;  // a build's step may be silent for as long
  return hidden_at_ != 0 && hidden_at_ + kHidden >= container.first_seen;
}

// A conversation with the service that could not be read may be that of the container's build: what
// was lost of it was told, or it answers what nobody was seen to ask.
bool Tracker::hides_build(const Container& container) const {
  if (lost_before(container)) return true;
  return std::any_of(conns_.begin(), conns_.end(), [&](const auto& one) {
    const Conn& conn = one.second;
    const bool its =
        std::any_of(container.above.begin(), container.above.end(),
                    [&](const auto& process) { return process.pid == conn.opened.engine_pid; });
    const auto run = runs_.lower_bound({one.first, 0});
    return its && conn.closed == 0 && conn.answered != 0 && !conn.asked && !conn.opened.fetch &&
           (run == runs_.end() || run->first.conn != one.first);
  });
}

// `last`: nothing more will be known. Before that only what is certain.
Tracker::Owner Tracker::served_owner(const Container& container, bool last) {
  Owner owner;
  const auto runs = served_runs(container);
  if (runs.empty() || container.init_pid == 0) return owner;
  std::vector<ServedStep> found;
  bool open = false;  // a build may be left out by what was lost
  for (Run* run : runs) {
    const auto steps = served_steps(*run, container);
    found.insert(found.end(), steps.begin(), steps.end());
    if (!steps.empty() || runs.size() == 1 || surely_not(*run, container)) continue;
    open = true;
    Step step;
    step.instruction = instruction_of(container.init_args);
    if (last) found.push_back({run, step, false, false});
  }
  const bool hidden = hides_build(container);
  if (!last && (open || hidden || found.size() != 1)) return owner;
  const bool differs = found.empty();
  if (differs) {
    Step step;
    step.instruction = instruction_of(container.init_args);
    for (Run* run : runs) found.push_back({run, step, false, false});
  }
  const ServedStep& first = found.front();
  if (found.size() == 1 && !differs && !hidden)
    owner.reasons = flag_reasons(first.step.instruction);
  const bool exact = found.size() == 1 && !differs && !hidden && first.certain &&
                     (first.agrees || runs.size() == 1) && container.start_seen &&
                     container.claims.size() < kMaxCandidates;
  if (!exact && !last) return owner;
  owner.run = first.run;
  owner.step = first.step;
  owner.unsure = hidden || differs;
  owner.step.attribution = exact ? Attribution::kExact : Attribution::kInferred;
  const bool several = found.size() > 1 || owner.unsure;
  if (several) owner.step.attribution = Attribution::kAmbiguous;
  for (const ServedStep& one : found) {
    if (std::find(owner.runs.begin(), owner.runs.end(), one.run) == owner.runs.end())
      owner.runs.push_back(one.run);
    if (one.step.number != owner.step.number) owner.step.number = 0;
    if (one.step.total != owner.step.total) owner.step.total = 0;
    if (one.step.stage != owner.step.stage) owner.step.stage.clear();
    if (one.step.instruction != owner.step.instruction)
      owner.step.instruction = instruction_of(container.init_args);
    if (several && owner.reasons.size() < kMaxCandidates)
      owner.reasons.push_back(candidate_text(one.run->build, one.step));
  }
  if (exact) {
    owner.run->running = container.id;
    owner.run->lines.take(owner.step, container.id);
  } else if (differs) {
    owner.reasons.push_back({"command-differs",
                             "no line of the builder and no instruction that is "
                             "known says what the container runs"});
  } else if (found.size() == 1) {
    owner.reasons.push_back(
        {"told-from-kernel-facts", "what the container runs and when it started tell the step"});
  }
  return owner;
}

}  // namespace kilnwatch::tracker
