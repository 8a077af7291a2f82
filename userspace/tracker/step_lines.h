// What podman's API last said of each stage of a build: the step that it is at.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "domain/api_fact.h"
#include "domain/finding.h"

namespace kilnwatch::tracker {

inline constexpr std::size_t kMaxStages = 64;  // of a build whose lines are kept

// A step can write lines of this form itself. The builder writes its own when the step before it is
// over and before the next one begins, so when a container begins the last line of its stage is
// true, unless another stage of the build runs a step at that time.
class StepLines {
 public:
  // False: no room.
  bool add(const domain::BuildStepAnnounced& fact) {
    if (!all_.contains(fact.stage) && all_.size() >= kMaxStages) return false;
    if (fact.number == 1) name(fact);
    domain::Step step;
    step.number = fact.number;
    step.total = fact.total;
    step.stage = fact.stages > 1 ? names_[fact.stage] : "";
    step.instruction = fact.instruction;
    all_[fact.stage] = std::move(step);
    return true;
  }
  // A container is that step: no other one is.
  void take(const domain::Step& step, const std::string& container) {
    if (step.number != 0) taken_.try_emplace({step.stage, step.number}, container);
  }
  bool is_taken(const domain::Step& step, const std::string& by_other_than) const {
    const auto it = taken_.find({step.stage, step.number});
    return it != taken_.end() && it->second != by_other_than;
  }
  // True lines may be among those that were lost.
  void clear() { all_.clear(); }
  const std::map<std::uint32_t, domain::Step>& all() const { return all_; }

 private:
  // A stage goes by its name, else by its number, as BuildKit has it.
  void name(const domain::BuildStepAnnounced& fact) {
    const std::string& text = fact.instruction;  // "FROM image AS name"
    const auto last = text.rfind(' ');
    const auto as = last == text.npos ? text.npos : text.rfind(' ', last - 1);
    const bool named = as != text.npos && last - as == 3 && (text[as + 1] | 0x20) == 'a' &&
                       (text[as + 2] | 0x20) == 's';
    names_[fact.stage] = named ? text.substr(last + 1) : "stage-" + std::to_string(fact.stage - 1);
  }

  std::map<std::uint32_t, domain::Step> all_;  // by stage
  std::map<std::uint32_t, std::string> names_;
  std::map<std::pair<std::string, std::uint32_t>, std::string> taken_;  // stage, number: container
};

}  // namespace kilnwatch::tracker
