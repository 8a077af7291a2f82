// Attacks that are played among the builds of a company: the shapes of what is known to have been
// done through an engine's API, and what a step does that wants to pass for a known destination.
#pragma once

#include <string>
#include <vector>

#include "corpus/build.h"
#include "corpus/internet.h"

namespace kilnwatch::test::corpus {

struct Attack {
  // Set aside: nobody looks at it while rules and weights are chosen.
  bool held_out = false;
  Build build;
  // Texts that stand in no benign build. An alert with one of them is of this attack.
  std::vector<std::string> marks;
};

// Adds the attackers' names to the internet.
std::vector<Attack> attacks(Internet& internet);

}  // namespace kilnwatch::test::corpus
