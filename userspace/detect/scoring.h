// From reasons to a severity: the score is what the rule has, and of each code the weightiest
// reason. Thresholds make it a severity, and some reasons bound that (reason_table.h).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "domain/finding.h"

namespace kilnwatch::detect {

// A sentence of the table with its evidence. `key`: of the table.
domain::Reason reason_of(std::string_view key, std::string_view evidence = {});
void tell(domain::Finding& finding, std::string_view key, std::string_view evidence = {});

// Reasons that came with the moment have their texts; this gives them weights and techniques.
void complete(domain::Finding& finding);

// Sets `score` and `severity`.
void score(domain::Finding& finding);

// What nothing may raise it beyond.
domain::Severity bound_of(const domain::Finding& finding);

// Those of the rule and of the reasons, each once, by id. `tactics`: a tactic's other name, by its
// usual one or by a technique's id, which comes first.
void name_techniques(domain::Finding& finding, const std::map<std::string, std::string>& tactics);

}  // namespace kilnwatch::detect
