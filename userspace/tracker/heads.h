// The heads of requests and the TLS hellos that clients send in pieces over TCP, put together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "domain/event.h"
#include "tracker/limits.h"

namespace kilnwatch::tracker {

// Of which more is to come, at once. The kernel hands over four sends of 4 KiB of each at most
// (KW_HEAD_SENDS, KW_DATA_LARGE).
inline constexpr std::size_t kMaxHeads = 512;
inline constexpr std::size_t kMaxHeadsBegun = 8192;   // within kHeadWait, whatever became of them
inline constexpr std::size_t kMaxHeadBytes = 16'384;  // of one
// By then a destination is told, whatever was sent.
inline constexpr domain::TimeNs kHeadWait = 2 * kEgressWait;

class Heads {
 public:
  // All that is known of the head. Nothing where the part is of none that waits for it.
  std::optional<domain::EgressPayload> read(const domain::EgressSent& event);

  std::size_t size() const { return readings_.size(); }
  // Clients without room, and parts beyond the limit of one.
  std::uint64_t refused() const { return refused_; }

 private:
  void forget(domain::TimeNs now);

  std::unordered_map<domain::EgressId, std::string> readings_;
  std::deque<std::pair<domain::TimeNs, domain::EgressId>> order_;  // the oldest first
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::tracker
