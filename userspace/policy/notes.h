// What a user should know of a policy that is valid.
#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"

namespace kilnwatch::policy {

// Sentences: exceptions that are over at `now` (ns since 1970), entries that allow nothing or too
// much.
std::vector<std::string> notes(const Policy& policy, std::uint64_t now);

// "registries 2, clients 1, …"; "nothing" of an empty one.
std::string summary(const Policy& policy);

}  // namespace kilnwatch::policy
