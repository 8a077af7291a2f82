// The values of flags, by what they are.
#pragma once

#include <string_view>

#include "base/secret_rules.h"
#include "base/secret_tools.h"

namespace kilnwatch::base {

// What the value of a flag with a name is: --password, --user, --build-arg, also -storepass. A
// flag that names a file, or that takes nothing, takes no secret.
Takes takes_named(std::string_view flag);
// --password-file=x: where a secret is, not what it is.
bool names_a_place(std::string_view flag);

// Marks what is secret in the value that begins at `at`; returns where to go on. `bound` is the end
// of the argument that the value is the rest of, npos where quotation marks and blanks bound it.
std::size_t mark_taken(std::string_view text, std::size_t at, std::size_t bound, Takes what,
                       Marks& marks);

}  // namespace kilnwatch::base
