// Are these the same ancestors, as far as they are known?
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace kilnwatch::test {

using Words = std::vector<std::string>;

// `said` from i on stands for `real` from j on; one may be known by the file that it had before.
inline bool same_line(const Words& said, std::size_t i, const Words& real, std::size_t j,
                      bool older) {
  if (i == said.size()) return true;
  for (; j < real.size(); ++j) {
    if (said[i] == real[j] && same_line(said, i + 1, real, j + 1, older)) return true;
    // Of the nearest: by the file of the one above it, which a process that executes itself has.
    const bool before = !older && (i > 0 || (j + 1 < real.size() && said[i] == real[j + 1]));
    if (before && same_line(said, i + 1, real, j + 1, true)) return true;
  }
  return false;
}

// Up to where knowledge ends. Where records were lost those that ended since may be left out:
// whoever they were below has become the parent.
inline bool same_ancestors(const Words& said, const Words& real) {
  return same_line(said, 0, real, 0, false);
}

}  // namespace kilnwatch::test
