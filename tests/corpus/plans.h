// Plans of builds: out of the company's Dockerfiles, or out of what was recorded.
#pragma once

#include <string>
#include <vector>

#include "corpus/plan.h"
#include "corpus/shapes.h"
#include "harness/replay_run.h"

namespace kilnwatch::test::corpus {

Plan plan_of(const std::string& name, const std::string& dockerfile, const Shapes& shapes);
// NAME.Dockerfile of a folder, in the order of their names.
std::vector<Plan> company_plans(const std::string& folder, const Shapes& shapes);

// What the builds of a recording did, by the alerts that it gives where no destination is known.
// Steps that connected nowhere are known where their Dockerfile is.
std::vector<Plan> recorded_plans(const std::string& name, const Recording& recording);
// Of every replay case (SUITE-CASE) whose CASE begins with `prefix`.
std::vector<Plan> recorded_plans_in(const std::string& folder, const std::string& prefix);

}  // namespace kilnwatch::test::corpus
