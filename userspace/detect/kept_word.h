// Words of keys that the baseline keeps.
#pragma once

#include <cstddef>
#include <string>

#include "baseline/store.h"
#include "tracker/ident.h"

namespace kilnwatch::detect {

// What is too long for a key stands in it as a hash.
inline std::string kept_word(std::string word) {
  constexpr std::size_t kMost = baseline::kMaxKey - 16;  // kind and port stand before it
  return word.size() > kMost ? "hash;" + tracker::short_hash(word) : word;
}

}  // namespace kilnwatch::detect
