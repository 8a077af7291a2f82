// Many builds out of few plans, which differ as real ones do: who builds, with which builder, in
// which order, what is in the cache, which versions stand in the lines, what is run afterwards.
#pragma once

#include <cstdint>
#include <vector>

#include "corpus/build.h"
#include "corpus/internet.h"

namespace kilnwatch::test::corpus {

struct Scheduled {
  std::uint64_t ms = 0;
  Build build;
};

// Ways to build of which the sensor cannot know what it knows of the others.
enum class Habit {
  kPlain,
  kJobInContainer,  // the client runs in a container of its own, each time another
  kRootless,        // the resolver is slirp4netns's: verified as the host heard the same
  kOwnNetwork       // compose: the resolver is docker's, the same
};

struct Season {
  std::uint64_t from = 0;  // ms
  std::size_t builds = 0;
  std::uint64_t seed = 1;
  Habit habit = Habit::kPlain;
  // In the end whatever no build of these ran in full is built once more, without its cache.
  bool whole = false;
};

// Deterministic. Builds overlap, days have nights.
std::vector<Scheduled> season(const std::vector<Plan>& plans, const Season& season);

}  // namespace kilnwatch::test::corpus
