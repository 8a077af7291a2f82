#include "protocol/http2/frame.h"

#include <algorithm>
#include <utility>

#include "protocol/http2/frame_rules.h"

namespace kilnwatch::protocol::http2 {

void FrameParser::lose() {
  state_ = State::kLost;
  held_.clear();
  starts_.clear();
  left_ = 0;
}

void FrameParser::resync() {
  lose();
  state_ = State::kStart;  // the preface is a head, too
  sync_ = Sync::kMark;
  first_ = false;
}

void FrameParser::fail(std::string_view reason) {
  lose();
  // What was found once in a connection met midway may be found again.
  if (sync_ == Sync::kGuess) state_ = State::kSearch;
  sink_.broken(reason);
}

// Until held_ has `most` bytes.
void FrameParser::gather(std::uint64_t& pos, std::string_view& bytes, std::size_t most) {
  if (held_.empty()) held_pos_ = pos;
  const auto n = std::min(most - held_.size(), bytes.size());
  held_.append(bytes.substr(0, n));
  bytes.remove_prefix(n);
  pos += n;
}

void FrameParser::feed(std::uint64_t pos, std::string_view bytes, bool call_start) {
  const auto start = pos;
  while (!bytes.empty()) {
    switch (state_) {
      case State::kLost:
        return;
      case State::kSearch:
        return search(pos, bytes, call_start && pos == start);
      case State::kStart:
        // A server begins with SETTINGS, whose length does not begin with this letter.
        state_ = bytes[0] == kPreface[0] ? State::kGreeting : State::kHeader;
        break;
      case State::kGreeting:
        gather(pos, bytes, kPreface.size());
        take_preface();
        break;
      case State::kHeader:
        gather(pos, bytes, kFrameHeader);
        if (held_.size() == kFrameHeader) take_header();
        break;
      case State::kPayload: {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
        if (!passed_over_) sink_.payload(pos, bytes.substr(0, n));
        bytes.remove_prefix(n);
        pos += n;
        payload_done(n);
        break;
      }
    }
  }
}

void FrameParser::take_preface() {
  if (!kPreface.starts_with(held_)) return fail("no HTTP/2 connection preface");
  if (held_.size() < kPreface.size()) return;
  held_.clear();
  state_ = State::kHeader;
  sink_.preface(held_pos_);
}

void FrameParser::take_header() {
  const std::string raw = std::exchange(held_, {});
  const auto header = read_frame_header(raw);
  if (std::exchange(first_, false) &&
      (header.type != Type::kSettings || header.has(kAck) || !violation_of(header).empty()))
    return fail("an HTTP/2 connection that does not begin with SETTINGS");
  begin(header, raw);
}

void FrameParser::begin(const FrameHeader& header, std::string_view raw) {
  const auto reason = violation_of(header);
  if (!reason.empty() && sync_ == Sync::kGuess) return fail(reason);  // then it was no frame
  passed_over_ = !reason.empty();
  left_ = header.length;
  state_ = State::kPayload;
  if (passed_over_) {
    sink_.violation(header, reason);
  } else {
    sink_.frame(header, held_pos_, raw);
  }
  if (left_ == 0) payload_done(0);
}

void FrameParser::payload_done(std::uint64_t count) {
  left_ -= count;
  if (left_ != 0) return;
  state_ = State::kHeader;
  if (!passed_over_) sink_.frame_end();
}

void FrameParser::hole(std::uint64_t count) {
  if (count == 0 || state_ == State::kLost) return;
  if (state_ == State::kSearch) {
    held_.clear();
    starts_.clear();
    return;
  }
  if (state_ == State::kPayload) {
    const auto inside = std::min(count, left_);
    if (!passed_over_) sink_.payload_hole(inside);
    payload_done(inside);
    count -= inside;
  }
  if (count > 0) fail("bytes between frames were not seen");
}

// Bytes of a connection that was met midway.
void FrameParser::search(std::uint64_t pos, std::string_view bytes, bool call_start) {
  if (call_start) starts_.push_back(pos);
  if (starts_.empty()) return;
  if (held_.empty()) held_pos_ = pos;
  held_.append(bytes);
  auto chain = Chain::kNone;
  auto from = held_pos_;
  bool greeted = false;  // met at its very beginning
  while (!starts_.empty()) {
    from = starts_.front();
    const auto rest = std::string_view(held_).substr(from - held_pos_);
    greeted = rest.starts_with(kPreface);
    chain = greeted ? Chain::kFound : kPreface.starts_with(rest) ? Chain::kMore : find_chain(rest);
    if (chain != Chain::kNone) break;
    starts_.pop_front();
  }
  held_.erase(0, chain == Chain::kNone ? held_.size() : from - held_pos_);
  held_pos_ = from;
  if (chain != Chain::kFound) return;
  const auto found = std::exchange(held_, {});
  starts_.clear();
  state_ = greeted ? State::kGreeting : State::kHeader;
  sync_ = Sync::kGuess;
  first_ = greeted;
  sink_.found();
  feed(from, found, false);
}

}  // namespace kilnwatch::protocol::http2
