#include "fleet/recorded.h"

#include <utility>

namespace kilnwatch::fleet {

void RecordedAnswers::add(const std::string& moment, Answer answer) {
  const std::size_t cost = sizeof(Answer) + moment.size() + answer.note.size();
  if (bytes_ + cost > kMaxRecordedBytes) {
    ++refused_;
    return;
  }
  auto& kept = answers_.contains(moment) ? late_ : answers_;
  if (kept.emplace(moment, std::move(answer)).second) bytes_ += cost;
}

std::optional<Answer> RecordedAnswers::find(const std::string& moment) const {
  const auto found = answers_.find(moment);
  return found == answers_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Answer> RecordedAnswers::find_late(const std::string& moment) const {
  const auto found = late_.find(moment);
  return found == late_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace kilnwatch::fleet
