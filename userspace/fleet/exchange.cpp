#include "fleet/exchange.h"

#include <algorithm>
#include <limits>

namespace kilnwatch::fleet {
namespace {

using Kind = Job::Kind;

bool only_asks(const Job& job) { return job.kind == Kind::kAskName || job.kind == Kind::kAskImage; }
bool is_question(const Job& job) { return job.kind == Kind::kAsk || only_asks(job); }

}  // namespace

void Exchange::submit(Job job) {
  if (!teaches_ && !is_question(job)) return;
  if (is_question(job)) ++stats_.asked;
  // Nobody is kept waiting for a server that is known to be away. Where nothing else finds out
  // whether it still is, a question does.
  if (client_.is_away() && !(client_.is_there() && flying_.empty())) {
    answer(job, {});
    wait_for_server(std::move(job));
    return;
  }
  if (waiting_.size() >= kMaxWaiting) return refuse(job, stats_.crowded, {});
  waiting_.push_back(std::move(job));
}

void Exchange::run(TimeNs now) {
  client_.run(now);
  // Until nothing more was answered: what has been read wakes nobody a second time.
  for (bool more = true; more;) {
    launch(now);
    const bool was_there = client_.is_there();
    client_.run(now);
    auto done = client_.take();
    more = !done.empty() || (client_.is_there() && !was_there);
    for (auto& one : done) {
      const auto at = flying_.find(one.tag);
      if (at == flying_.end()) continue;
      Job job = std::move(at->second);
      flying_.erase(at);
      settle(std::move(job), std::move(one.reply), now);
    }
  }
  if (client_.is_away() && !client_.is_there()) give_up_waiting();
}

// The server is away: what waits is decided here, and brought there later.
void Exchange::give_up_waiting() {
  for (Job& job : waiting_) {
    job.late = true;
    answer(job, {});
  }
  std::erase_if(waiting_, [this](const Job& job) { return only_asks(job) || !teaches_; });
}

// As many as may be on their way. In a cluster one node may be away while others are there.
void Exchange::launch(TimeNs now) {
  // Also when nothing waits: the next question is to find it there.
  if (client_.is_away()) {
    client_.reach(now);
    if (!client_.is_there()) return;
  }
  for (std::size_t left = waiting_.size(); left > 0; --left) {
    if (flying_.size() >= (client_.is_away() ? 1 : kMaxFlying)) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    if (now < job.not_before) {
      waiting_.push_back(std::move(job));
      continue;
    }
    if (job.kind == Kind::kShareImage && !job.setting) {
      if (!image_quota_.take(now)) {
        refuse(job, stats_.capped, {});
        continue;
      }
      job.setting = true;
    }
    if (send(++last_, job, now)) {
      flying_.emplace(last_, std::move(job));
      continue;
    }
    waiting_.push_back(std::move(job));
    if (client_.is_away()) return;
  }
}

bool Exchange::send(Client::Tag tag, const Job& job, TimeNs now) {
  const std::string seconds = std::to_string(job.seconds);
  std::string text;
  switch (job.kind) {
    case Kind::kAsk:
    case Kind::kAskName:
    case Kind::kTouch:
      if (!teaches_) {
        text = command({"GET", job.key});
        break;
      }
      text = job.setting ? command({"SET", job.key, job.value, "NX", "EX", seconds})
                         : command({"GETEX", job.key, "EX", seconds});
      break;
    case Kind::kAskImage:
      text = command({"GET", job.key});
      break;
    case Kind::kShareImage:
      text = command({"SET", job.key, job.value, "EX", seconds});
      break;
  }
  return client_.send(tag, slot_of(job.key), std::move(text), now);
}

void Exchange::settle(Job job, std::optional<Reply> reply, TimeNs now) {
  if (!reply) return settle_later(std::move(job), now);
  if (reply->is_error("OOM")) {
    refusal_ = error_code(*reply);
    return settle_later(std::move(job), now);
  }
  if (reply->kind == Reply::Kind::kError) {
    if (job.setting) quota_of(job).give_back();
    refusal_ = error_code(*reply);
    return refuse(job, stats_.refused, {});
  }
  const bool found = reply->kind == Reply::Kind::kText;
  if (job.setting) {
    if (found) {
      ++stats_.taught;
      answer(job, {Answer::Kind::kNew, false, {}});
    } else {  // somebody was faster
      quota_.give_back();
      ++stats_.known;
      answer(job, {Answer::Kind::kKnown, false, {}});
    }
  } else if (found) {
    settle_found(job, reply->text);
  } else {
    return settle_missing(std::move(job), now);
  }
  if (job.late) ++stats_.reconciled;
}

void Exchange::settle_found(Job& job, const std::string& value) {
  ++stats_.known;
  if (job.kind == Kind::kAskImage) return answer(job, {Answer::Kind::kKnown, false, value});
  // Taught by a question whose answer did not come, or before this host's own baseline was lost.
  const bool own = value.starts_with(sensor_ + " ");
  answer(job, {own ? Answer::Kind::kNew : Answer::Kind::kKnown, false, {}});
}

void Exchange::settle_missing(Job job, TimeNs now) {
  if (only_asks(job) || !teaches_) return answer(job, {Answer::Kind::kNew, false, {}});
  if (!quota_.take(now)) return refuse(job, stats_.capped, {Answer::Kind::kNew, true, {}});
  job.setting = true;
  waiting_.push_front(std::move(job));
}

void Exchange::settle_later(Job job, TimeNs now) {
  if (job.setting) quota_of(job).give_back();
  job.setting = false;
  job.not_before = now + std::min(kLastNotNowWait, kNotNowWait << std::min(job.tries++, 16U));
  answer(job, {});
  wait_for_server(std::move(job));
}

void Exchange::refuse(const Job& job, std::uint64_t& counter, Answer given) {
  ++counter;
  Job copy = job;
  answer(copy, std::move(given));
  if (!only_asks(job)) forgotten_.push_back(job.key);
}

void Exchange::answer(Job& job, Answer given) {
  if (job.ticket != 0) posted_.push_back({std::exchange(job.ticket, 0), std::move(given)});
}

void Exchange::wait_for_server(Job job) {
  if (only_asks(job) || !teaches_) return;
  job.late = true;
  if (waiting_.size() >= kMaxWaiting) return refuse(job, stats_.crowded, {});
  waiting_.push_back(std::move(job));
}

TimeNs Exchange::due(TimeNs now) const {
  TimeNs first = client_.due(now);
  for (const Job& job : waiting_) {
    if (job.not_before > now) first = std::min(first, job.not_before);
  }
  return first;
}

ExchangeStats Exchange::stats() const {
  ExchangeStats out = stats_;
  out.waiting = waiting_.size() + flying_.size();
  return out;
}

}  // namespace kilnwatch::fleet
