// Which step of a Dockerfile a container runs, where BuildKit tells of none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/api_fact.h"
#include "domain/finding.h"

namespace kilnwatch::tracker {

// The one RUN instruction that agrees with argv, counted as BuildKit counts: within its stage FROM
// (of an image), RUN, COPY, ADD and WORKDIR; the stage has a name where there are several
// (buildkit: dockerfile2llb/convert.go). Nothing: none agrees, or several may.
std::optional<domain::Step> step_in(const domain::DockerfileSeen& dockerfile,
                                    const std::vector<std::string>& argv, bool cut);

}  // namespace kilnwatch::tracker
