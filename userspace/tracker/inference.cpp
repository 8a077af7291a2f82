// Which step of which build a container is, by what the kernel saw alone.
#include <algorithm>
#include <optional>

#include "base/text.h"
#include "tracker/agreement.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

// How many of the Dockerfile's instructions are built: stages behind the target are not (moby:
// builder/dockerfile/builder.go). Nothing: not known.
std::optional<std::size_t> built_part(const DockerfileSeen& dockerfile,
                                      const BuildRequested& request) {
  if (request.midway || !dockerfile.whole) return std::nullopt;
  const auto& all = dockerfile.instructions;
  if (request.target.empty()) return all.size();
  const std::string target = base::lower(request.target);
  const auto from =
      std::find_if(all.begin(), all.end(), [&](const Instruction& i) { return i.stage == target; });
  if (from == all.end()) return std::nullopt;
  const auto next =
      std::find_if(from + 1, all.end(), [](const Instruction& i) { return i.is_from; });
  return static_cast<std::size_t>(next - all.begin());
}

// buildah leaves out stages that no later one names (imagebuildah: executor.go), by name or number.
bool runs_every_stage(const DockerfileSeen& dockerfile) {
  const auto& all = dockerfile.instructions;
  std::size_t stage = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].is_from) continue;
    const std::string number = "from=" + std::to_string(stage++);
    const bool last = std::none_of(all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end(),
                                   [](const Instruction& later) { return later.is_from; });
    const bool named = std::any_of(
        all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end(), [&](const Instruction& later) {
          const std::string text = base::lower(later.text);
          const bool by_name =
              !all[i].stage.empty() && (text.find("from=" + all[i].stage) != text.npos ||
                                        (later.is_from && text.find(all[i].stage) != text.npos));
          return by_name || text.find(number) != text.npos;
        });
    if (!last && !named) return false;
  }
  return true;
}

Reason candidate_text(const Build& build, const Step& step) {
  const std::string number = step.number != 0 ? std::to_string(step.number) : "unknown";
  return {"candidate", "build " + build.id + " step " + number + ": " + step.instruction};
}

}  // namespace

void Tracker::note_unclaimed(const Container& container) {
  if (!container.start_seen) return;
  std::vector<Unclaimed*> noted;
  for (auto& [call, run] : runs_) {
    if (!told_by_kernel(run) || !in_window(run, container)) continue;
    auto it = std::find_if(run.unclaimed.begin(), run.unclaimed.end(),
                           [&](const Unclaimed& u) { return u.id == container.id; });
    if (it == run.unclaimed.end()) {
      if (run.unclaimed.size() >= kMaxSteps) continue;
      it = run.unclaimed.insert(it, {container.id, {}, run.number, false, 0});
    }
    it->numbers = numbers_of(run, container);
    if (!it->numbers.empty() || !run.build.dockerfile) noted.push_back(&*it);
  }
  for (Unclaimed* one : noted) one->sole = noted.size() == 1;
}

std::vector<std::uint32_t> Tracker::numbers_of(const Run& run, const Container& container) const {
  std::vector<std::uint32_t> sure, possible;
  if (!run.build.dockerfile) return sure;
  std::uint32_t number = 0;
  const auto part = built_part(*run.build.dockerfile, run.build.request);
  for (const Instruction& instruction : run.build.dockerfile->instructions) {
    if (part && number >= *part) break;
    ++number;
    if (!instruction.is_run) continue;
    const Agreement a = compare(instruction.text, container.init_args, container.args_cut);
    if (a == Agreement::kAgrees) sure.push_back(number);
    if (a == Agreement::kUnknown) possible.push_back(number);
  }
  return sure.empty() ? possible : sure;
}

// Of one build's containers each runs a later instruction than the one before it.
std::vector<std::uint32_t> Tracker::ordered_numbers(const Run& run, const std::string& id) const {
  std::vector<const Unclaimed*> row;
  const Unclaimed* own = nullptr;
  for (const Unclaimed& one : run.unclaimed) {
    if (one.id == id) own = &one;
    if (one.sole && !one.numbers.empty()) row.push_back(&one);
  }
  if (own == nullptr) return {};
  std::uint32_t low = own->floor + 1;
  std::uint32_t high = ~std::uint32_t{0};
  const auto place = std::find(row.begin(), row.end(), own);
  if (place != row.end()) {
    std::uint32_t before = 0;
    for (auto it = row.begin(); it != place; ++it) {
      const auto& numbers = (*it)->numbers;
      const auto at = std::upper_bound(numbers.begin(), numbers.end(), before);
      if (at != numbers.end()) before = *at;
    }
    low = std::max(low, before + 1);
    std::uint32_t after = high;
    for (auto it = row.rbegin(); *it != own; ++it) {
      const auto& numbers = (*it)->numbers;
      const auto at = std::lower_bound(numbers.begin(), numbers.end(), after);
      if (at != numbers.begin()) after = *std::prev(at);
    }
    high = after == high ? high : after - 1;
  }
  std::vector<std::uint32_t> left;
  for (const std::uint32_t n : own->numbers) {
    if (n >= low && n <= high) left.push_back(n);
  }
  if (left.size() < 2 || !run.build.request.no_cache || run.lossy || place == row.end() ||
      (run.build.request.engine != EngineKind::kDocker &&
       !runs_every_stage(*run.build.dockerfile)) ||
      (run.build.request.command && own->ordinal != place - row.begin() + 1))
    return left;
  // Nothing comes from the cache: the nth container is the nth RUN.
  auto nth = place - row.begin();
  std::uint32_t number = 0;
  for (const Instruction& instruction : run.build.dockerfile->instructions) {
    ++number;
    if (instruction.is_run && nth-- == 0) break;
  }
  if (std::find(left.begin(), left.end(), number) != left.end()) return {number};
  return left;
}

Step Tracker::step_of(const Run& run, std::uint32_t number, const Container& container) const {
  Step step;
  step.number = number;
  step.total = run.total;
  const auto& dockerfile = run.build.dockerfile;
  if (number != 0 && number == run.line.number && !dockerfile) {
    step.instruction = run.line.instruction;
  } else if (number != 0 && dockerfile && number <= dockerfile->instructions.size()) {
    step.instruction = dockerfile->instructions[number - 1].text;
    if (const auto part = built_part(*dockerfile, run.build.request); step.total == 0 && part)
      step.total = static_cast<std::uint32_t>(*part + (run.build.request.labels ? 1 : 0));
  } else {
    step.instruction = instruction_of(container.init_args);
  }
  return step;
}

// Lines do not tell all of this build's containers.
bool Tracker::told_by_kernel(const Run& run) const {
  return !run.build.request.buildkit && run.build.request.engine == EngineKind::kDocker &&
         (run.build.request.quiet || run.lossy);
}

void Tracker::candidates_of(Run& run, const Container& container, bool any,
                            std::vector<Candidate>& out) const {
  if (run.build.request.engine != EngineKind::kDocker) return;
  if (run.build.request.buildkit || !in_window(run, container) || !container.start_seen) return;
  if (!any && !told_by_kernel(run)) return;
  if (run.build.dockerfile) {
    auto numbers =
        told_by_kernel(run) ? ordered_numbers(run, container.id) : numbers_of(run, container);
    for (const std::uint32_t n : numbers) {
      const auto& text = run.build.dockerfile->instructions[n - 1].text;
      if (!any || agrees(text, container, Agreement::kAgrees)) out.push_back({&run, n});
    }
  } else if (agrees(run.line.instruction, container, Agreement::kAgrees)) {
    out.push_back({&run, run.line.number});
  } else if (run.build.request.quiet) {
    out.push_back({&run, 0});
  }
}

Tracker::Owner Tracker::choose(const std::vector<Candidate>& from, const Container& container) {
  Owner owner;
  if (from.empty()) return owner;
  owner.run = from.front().run;
  for (const Candidate& candidate : from) {
    if (std::find(owner.runs.begin(), owner.runs.end(), candidate.run) == owner.runs.end())
      owner.runs.push_back(candidate.run);
  }
  owner.step = step_of(*owner.run, from.front().number, container);
  owner.step.attribution = Attribution::kInferred;
  if (from.size() == 1) return owner;
  owner.step.attribution = Attribution::kAmbiguous;
  for (const Candidate& candidate : from) {
    const Step step = step_of(*candidate.run, candidate.number, container);
    if (step.number != owner.step.number) owner.step.number = 0;
    if (step.total != owner.step.total) owner.step.total = 0;
    if (step.instruction != owner.step.instruction) {
      owner.step.instruction = instruction_of(container.init_args);
    }
    if (owner.reasons.size() < kMaxCandidates)
      owner.reasons.push_back(candidate_text(candidate.run->build, step));
  }
  return owner;
}

// From the kernel's facts alone.
Tracker::Owner Tracker::inferred(const Container& container, bool last) {
  std::vector<Candidate> found;
  for (auto& [call, run] : runs_) candidates_of(run, container, false, found);
  if (found.empty() && last) {  // a line may be missing and nobody knows yet
    for (auto& [call, run] : runs_) candidates_of(run, container, true, found);
  }
  Owner owner = choose(found, container);
  if (owner.run == nullptr) return owner;
  // It may be a container of that client's, from before the sensor, unless it runs what the step
  // says.
  if (by_start_.contains(api_key(container.uid, container.id))) {
    owner.reasons.push_back({"started-by-client", "a client of the engine started this container"});
    if (!agrees(owner.step.instruction, container, Agreement::kAgrees) ||
        !owner.runs.front()->build.dockerfile) {
      if (found.size() == 1) owner.reasons.push_back(candidate_text(owner.run->build, owner.step));
      owner.step.attribution = Attribution::kAmbiguous;
      owner.unsure = true;
    }
  }
  owner.reasons.push_back({"told-from-kernel-facts",
                           "no line of the builder names this container; what it runs and when "
                           "it started tell the step"});
  return owner;
}

}  // namespace kilnwatch::tracker
