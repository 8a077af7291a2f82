#include "detect/scoring.h"

#include <algorithm>
#include <cassert>
#include <set>
#include <vector>

#include "detect/reason_table.h"
#include "domain/attack.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string tactic_of(const KnownTechnique& technique,
                      const std::map<std::string, std::string>& tactics) {
  for (const std::string_view key : {technique.id, technique.tactic}) {
    if (const auto other = tactics.find(std::string(key)); other != tactics.end())
      return other->second;
  }
  return std::string(technique.tactic);
}

}  // namespace

Reason reason_of(std::string_view key, std::string_view evidence) {
  const ReasonRow* row = find_reason(key);
  assert(row != nullptr);
  if (row == nullptr) return {std::string(code_of(key)), std::string(evidence)};
  std::string text(row->sentence);
  if (const auto gap = text.find("{}"); gap != text.npos) text.replace(gap, 2, evidence);
  return {std::string(code_of(key)), std::move(text), row->weight, words(row->techniques)};
}

void tell(Finding& finding, std::string_view key, std::string_view evidence) {
  finding.reasons.push_back(reason_of(key, evidence));
}

void complete(Finding& finding) {
  for (Reason& reason : finding.reasons) {
    // Where the same is told of a request, too, it weighs there.
    const ReasonRow* row = find_reason(reason.code + "/step");
    if (row == nullptr) row = find_reason(reason.code);
    if (row == nullptr) continue;
    reason.weight = row->weight;
    reason.techniques = words(row->techniques);
  }
}

void score(Finding& finding) {
  std::map<std::string, int> weights;
  for (const Reason& reason : finding.reasons) {
    const auto [at, fresh] = weights.emplace(reason.code, reason.weight);
    if (!fresh) at->second = std::max(at->second, reason.weight);
  }
  int sum = row_of(finding.rule).score;
  for (const auto& [code, weight] : weights) sum += weight;
  finding.score = std::max(sum, 0);
  for (const Threshold& threshold : thresholds()) {
    if (finding.score < threshold.score) continue;
    finding.severity = std::min(threshold.severity, bound_of(finding));
    return;
  }
}

Severity bound_of(const Finding& finding) {
  Severity bound = Severity::kCritical;
  for (const Reason& reason : finding.reasons) {
    if (const ReasonRow* row = find_reason(reason.code)) bound = std::min(bound, row->at_most);
  }
  return bound;
}

void name_techniques(Finding& finding, const std::map<std::string, std::string>& tactics) {
  std::set<std::string> ids;
  for (auto& id : words(row_of(finding.rule).techniques)) ids.insert(std::move(id));
  for (const Reason& reason : finding.reasons)
    ids.insert(reason.techniques.begin(), reason.techniques.end());
  finding.techniques.clear();
  for (const std::string& id : ids) {
    const KnownTechnique* known = technique_of(id);
    if (known == nullptr) continue;
    finding.techniques.push_back({id, std::string(known->name), tactic_of(*known, tactics)});
  }
}

}  // namespace kilnwatch::detect
