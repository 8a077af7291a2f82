// Every reason that an alert may have: what it weighs, what it says, which techniques it stands for
// and what to do about it. docs/detection.md is this table (tests/unit/detect/table_test.cpp).
#pragma once

#include <span>
#include <string_view>

#include "domain/finding.h"

namespace kilnwatch::detect {

struct ReasonRow {
  // The reason's code; behind a slash, which is not told, the case of it.
  std::string_view key;
  int weight = 0;                // 0: it explains
  std::string_view techniques;   // ids, blanks between
  std::string_view sentence;     // "{}": its evidence. Of the tracker's own reasons: what they mean
  std::string_view action = {};  // of whoever is on call
  // However much the others weigh.
  domain::Severity at_most = domain::Severity::kCritical;
};

struct ReasonGroup {
  std::string_view title;
  std::span<const ReasonRow> rows;
};

std::span<const ReasonGroup> reason_groups();

// Null: there is none.
const ReasonRow* find_reason(std::string_view key);

inline std::string_view code_of(std::string_view key) { return key.substr(0, key.find('/')); }

// Of an alert of that rule before any reason.
struct RuleRow {
  domain::Rule rule;
  std::string_view name;
  int score;
  std::string_view techniques;
  std::string_view why;
};

std::span<const RuleRow> rule_rows();
const RuleRow& row_of(domain::Rule rule);

// From a score on, the severity.
struct Threshold {
  int score;
  domain::Severity severity;
  std::string_view name;
};

std::span<const Threshold> thresholds();  // the greatest first

}  // namespace kilnwatch::detect
