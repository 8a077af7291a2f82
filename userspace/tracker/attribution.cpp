// Which step of which build a container is.
#include <algorithm>

#include "tracker/agreement.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

bool agrees(const std::string& instruction, const Container& container, Agreement what) {
  return compare(instruction, container.init_args, container.args_cut) == what;
}

}  // namespace

// An exit that was not seen leaves this true until the next confirmed container.
bool Tracker::step_running(const Run& run, TimeNs at) {
  const Container* container = run.running.empty() ? nullptr : containers_.find(run.running);
  return container != nullptr && (container->exited == 0 || container->exited > at);
}

// A client's own containers and those seen in an earlier life are no steps.
bool Tracker::could_be_step(const Container& container) const {
  return !by_api_.contains(container.id) && !containers_.over(container.id);
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

// It began while the build was open.
bool Tracker::in_window(const Run& run, const Container& container) const {
  const Build& build = run.build;
  return container.first_seen + kSlack >= build.started &&
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

void Tracker::note_unclaimed(const Container& container) {
  if (!container.start_seen) return;
  std::vector<Unclaimed*> noted;
  for (auto& [call, run] : runs_) {
    if (!told_by_kernel(run) || !in_window(run, container)) continue;
    auto it = std::find_if(run.unclaimed.begin(), run.unclaimed.end(),
                           [&](const Unclaimed& u) { return u.id == container.id; });
    if (it == run.unclaimed.end()) {
      if (run.unclaimed.size() >= kMaxSteps) continue;
      it = run.unclaimed.insert(it, {container.id, {}, run.number, false});
    }
    it->numbers = numbers_of(run, container);
    if (!it->numbers.empty() || !run.build.dockerfile) noted.push_back(&*it);
  }
  for (Unclaimed* one : noted) one->sole = noted.size() == 1;
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
  if (claim->step.number == 0 || agrees(claim->step.instruction, container, Agreement::kDiffers))
    return;
  run->number = std::max(run->number, claim->step.number);
  if (run->total == 0) run->total = claim->step.total;
}

std::vector<std::uint32_t> Tracker::numbers_of(const Run& run, const Container& container) const {
  std::vector<std::uint32_t> sure, possible;
  if (!run.build.dockerfile) return sure;
  std::uint32_t number = 0;
  for (const Instruction& instruction : run.build.dockerfile->instructions) {
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
  if (left.size() < 2 || !run.build.request.no_cache || run.lossy || place == row.end())
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
    if (step.total == 0) step.total = static_cast<std::uint32_t>(dockerfile->instructions.size());
  } else {
    step.instruction = instruction_of(container.init_args);
  }
  return step;
}

// Lines do not tell all of this build's containers.
bool Tracker::told_by_kernel(const Run& run) const {
  return !run.build.request.buildkit && (run.build.request.quiet || run.lossy);
}

void Tracker::candidates_of(Run& run, const Container& container, bool any,
                            std::vector<Candidate>& out) const {
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
    if (owner.reasons.size() >= kMaxCandidates) continue;
    const std::string number = step.number != 0 ? std::to_string(step.number) : "unknown";
    owner.reasons.push_back({"candidate", "build " + candidate.run->build.id + " step " + number +
                                              ": " + step.instruction});
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
  if (owner.run != nullptr) {
    owner.reasons.push_back({"told-from-kernel-facts",
                             "no line of the builder names this container; what it runs and when "
                             "it started tell the step"});
  }
  return owner;
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
  if (claim->step.number != 0 && agreement != Agreement::kDiffers) {
    owner.run = run;
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
  if (claim->step.number != 0) {
    for (auto& [call, other] : runs_) {
      if (&other != run) candidates_of(other, container, false, fitting);
    }
  }
  if (fitting.empty()) fitting.push_back({run, 0});
  owner = choose(fitting, container);
  if (claim->step.number == 0) {
    owner.reasons.push_back({"line-lost", "the line of the step was lost"});
  } else {
    owner.reasons.push_back({"command-differs", "announced as step " +
                                                    std::to_string(claim->step.number) + ": " +
                                                    claim->step.instruction});
  }
  return owner;
}

Tracker::Owner Tracker::owner_of(const Container& container, bool last) {
  return container.claims.empty() ? inferred(container, last) : claimed(container, last);
}

}  // namespace kilnwatch::tracker
