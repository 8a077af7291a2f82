// The text of a configuration → Policy.
#pragma once

#include <string>

#include "base/result.h"
#include "policy/complaints.h"
#include "policy/policy.h"

namespace kilnwatch::policy {

// `file`: its name, told in errors. kUsage: "FILE:LINE:COLUMN: what is wrong; what to do".
base::Result<Policy> parse(const std::string& text, const std::string& file);

// Of one entry (parse_entries.cpp); what is wrong is complained of.
Destination read_destination(const Node& node, const std::string& where, Complaints& complaints);
Client read_client(const Node& node, const std::string& where, Complaints& complaints);
Exception read_exception(const Node& node, Complaints& complaints);
// parse_baseline.cpp
void read_baseline(const Node& node, Complaints& complaints, Policy& out);

// The names of rules and severities, as alerts have them.
const std::map<std::string_view, domain::Rule>& rules();
const std::map<std::string_view, domain::Severity>& severities();

}  // namespace kilnwatch::policy
