// A set of names that forgets the oldest beyond its limit.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_set>

namespace kilnwatch::tracker {

class RecentNames {
 public:
  explicit RecentNames(std::size_t limit) : limit_(limit) {}

  void insert(const std::string& name) {
    if (!names_.insert(name).second) return;
    order_.push_back(name);
    if (order_.size() <= limit_) return;
    names_.erase(order_.front());
    order_.pop_front();
  }
  bool contains(const std::string& name) const { return names_.contains(name); }

 private:
  std::size_t limit_;
  std::unordered_set<std::string> names_;
  std::deque<std::string> order_;  // oldest first
};

}  // namespace kilnwatch::tracker
