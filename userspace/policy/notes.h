// What a user should know of a policy that is valid.
#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"

namespace kilnwatch::policy {

// Sentences: exceptions that are over at `now` (ns since 1970), entries that allow nothing or too
// much.
std::vector<std::string> notes(const Policy& policy, std::uint64_t now);

// "2 registries, 1 client, …"; "nothing" of an empty one.
std::string summary(const Policy& policy);

}  // namespace kilnwatch::policy
