// So many in any span of an hour, and no more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace kilnwatch::fleet {

// A CI node in its first hour meets some hundred destinations; what floods the fleet meets more.
inline constexpr std::size_t kTaughtPerHour = 1000;

class Quota {
 public:
  explicit Quota(std::size_t most = kTaughtPerHour) : most_(most) {}

  // `now`: ns of a steady clock.
  bool take(std::uint64_t now) {
    while (!taken_.empty() && now - taken_.front() >= kHour) taken_.pop_front();
    if (taken_.size() >= most_) return false;
    taken_.push_back(now);
    return true;
  }
  // The last one that was taken was not needed.
  void give_back() {
    if (!taken_.empty()) taken_.pop_back();
  }

 private:
  static constexpr std::uint64_t kHour = 3600ull * 1'000'000'000;
  std::size_t most_;
  std::deque<std::uint64_t> taken_;
};

}  // namespace kilnwatch::fleet
