// What else runs on a machine that builds: containers of pulled images that rightly have a part of
// the host.
#pragma once

#include <cstdint>
#include <vector>

#include "corpus/variants.h"

namespace kilnwatch::test::corpus {

// One after every few builds: each again and again, of another version.
std::vector<Scheduled> with_services(std::vector<Scheduled> builds, std::uint64_t seed);

}  // namespace kilnwatch::test::corpus
