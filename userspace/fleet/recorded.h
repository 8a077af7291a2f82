// What a fleet answered when a recording was made, so that its replay gives the same alerts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "fleet/fleet.h"

namespace kilnwatch::fleet {

// Of all of them: some hundred thousand destinations.
inline constexpr std::size_t kMaxRecordedBytes = std::size_t{64} << 20;

class RecordedAnswers {
 public:
  // Of a moment that has one, a second is what was heard later; more are left out.
  void add(const std::string& moment, Answer answer);
  // Nothing: nobody was asked.
  std::optional<Answer> find(const std::string& moment) const;
  // Where the first one is none in time: what was heard later.
  std::optional<Answer> find_late(const std::string& moment) const;
  // For want of room.
  std::uint64_t refused() const { return refused_; }

 private:
  std::unordered_map<std::string, Answer> answers_;
  std::unordered_map<std::string, Answer> late_;
  std::size_t bytes_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::fleet
