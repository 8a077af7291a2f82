#include "baseline/memory_store.h"

#include <algorithm>

namespace kilnwatch::baseline {

bool MemoryStore::meet(const Sighting& sighting) {
  if (!created_) created_ = sighting.time;
  auto& seen = last_[static_cast<std::size_t>(sighting.scope)];
  const auto found = seen.find(sighting.key);
  if (found != seen.end()) {
    const bool fresh = is_over(found->second, sighting.time);
    found->second = std::max(found->second, sighting.time);
    return fresh;
  }
  if (seen.size() >= kMaxKeys || sighting.key.size() > kMaxKey) {
    ++refused_;
  } else {
    seen.emplace(sighting.key, sighting.time);
  }
  return true;
}

bool MemoryStore::knows(Scope scope, const std::string& key, Seconds now) {
  const auto& seen = last_[static_cast<std::size_t>(scope)];
  const auto found = seen.find(key);
  return found != seen.end() && !is_over(found->second, now);
}

}  // namespace kilnwatch::baseline
