// Which step made which layer: what a later step stands on tells its stage.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace kilnwatch::tracker {

// Layers remembered, also of builds that are over: a step may stand on what the cache kept of them.
// The oldest gives way; steps that stand on it are then told by their times alone, as ever.
inline constexpr std::size_t kMaxLayersKept = 1024;

struct Ran {  // what made a layer
  std::vector<std::string> args;
  bool cut = false;
};

class Layers {
 public:
  void insert(const std::string& layer, Ran ran) {
    if (!made_.insert_or_assign(layer, std::move(ran)).second) return;
    order_.push_back(layer);
    if (order_.size() <= kMaxLayersKept) return;
    made_.erase(order_.front());
    order_.pop_front();
  }
  // Null: no step that was seen made it.
  const Ran* find(const std::string& layer) const {
    const auto it = made_.find(layer);
    return it == made_.end() ? nullptr : &it->second;
  }

 private:
  std::map<std::string, Ran> made_;
  std::deque<std::string> order_;  // oldest first
};

}  // namespace kilnwatch::tracker
