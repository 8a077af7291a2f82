#include "protocol/http2/side.h"

#include <algorithm>
#include <utility>

#include "protocol/http2/frame_rules.h"

namespace kilnwatch::protocol::http2 {
namespace {

constexpr std::size_t kSetting = 6;
constexpr std::size_t kPriorityFields = 5;
constexpr std::size_t kStreamId = 4;
constexpr std::size_t kGoAwayFields = 8;
constexpr std::uint32_t kId = 0x7fffffff;  // the bits of a stream's number

bool carries_block(Type type) {
  return type == Type::kHeaders || type == Type::kPushPromise || type == Type::kContinuation;
}

bool is_unread(const FrameHeader& header) {
  constexpr std::uint32_t kLongest = 8;  // a PING's; other lengths than theirs are errors
  return header.length <= kLongest &&
         (header.type == Type::kPing || header.type == Type::kPriority ||
          header.type == Type::kWindowUpdate);
}

// Bytes of a frame's payload that are gathered.
std::size_t gathered_of(Type type) {
  if (carries_block(type)) return kBlockLimit;
  if (type == Type::kSettings) return kControlLimit;
  if (type == Type::kReset) return 4;
  if (type == Type::kGoAway) return kGoAwayFields;  // not what is said for debugging
  return 0;
}

}  // namespace

void Side::lose() {
  give_up_block("framing was lost");
  gathered_.clear();
  frames_.lose();
  hpack_.forget();
}

void Side::resync() {
  lose();
  frames_.resync();
}

std::uint64_t Side::untold(std::uint64_t next) const {
  next = frames_.untold(next);
  if (!gathered_.empty()) next = std::min(next, gathered_pos_);
  if (!block_.empty()) next = std::min(next, block_pos_);
  return next;
}

std::size_t Side::held_bytes() const {
  return frames_.held_bytes() + hpack_.held_bytes() + gathered_.size() + block_.size() +
         pieces_.size() * sizeof(Piece);
}

void Side::preface(std::uint64_t pos) {
  sink_.plain(sender_, pos, kPreface);
  sink_.preface(sender_);
}

void Side::broken(std::string_view reason) {
  give_up_block(reason);
  gathered_.clear();
  hpack_.forget();
  sink_.broken(sender_, reason);
}

void Side::violation(const FrameHeader& header, std::string_view reason) {
  give_up_block(reason);
  if (carries_block(header.type)) hpack_.forget();
  sink_.violation(sender_, reason);
}

void Side::frame(const FrameHeader& header, std::uint64_t pos, std::string_view raw) {
  frame_ = header;
  cut_ = {};
  gathered_.clear();
  sink_.plain(sender_, pos, raw);
  sink_.frame(sender_, header);
  const bool goes_on = header.type == Type::kContinuation && header.stream == block_stream_;
  if (in_block_ && !goes_on) {
    give_up_block("another frame within a header block");
    sink_.violation(sender_, "another frame within a header block");
  }
  if (header.type == Type::kData) {
    pad_unknown_ = header.has(kPadded);
    data_left_ = header.length;
    data_begins_ = true;
  }
}

void Side::payload(std::uint64_t pos, std::string_view bytes) {
  if (frame_.type == Type::kData) return data_bytes(pos, bytes);
  if (is_unread(frame_)) return sink_.unread(sender_, pos, bytes.size());
  const auto most = gathered_of(frame_.type);
  if (most == 0 || !cut_.empty()) return;
  if (carries_block(frame_.type)) {
    if (frame_.type == Type::kContinuation && (!in_block_ || !missing_.empty())) return;
    if (block_.size() + gathered_.size() + bytes.size() > most) {
      cut_ = "a header block is too long";
      gathered_ = {};
      return;
    }
  }
  if (gathered_.empty()) gathered_pos_ = pos;
  gathered_.append(bytes.substr(0, most - gathered_.size()));
}

void Side::data_bytes(std::uint64_t pos, std::string_view bytes) {
  if (pad_unknown_) {
    pad_unknown_ = false;
    const auto padding = static_cast<unsigned char>(bytes[0]);
    sink_.plain(sender_, pos, bytes.substr(0, 1));
    data_left_ = frame_.length - 1;
    if (padding > data_left_) {
      data_left_ = 0;
      sink_.violation(sender_, "padding longer than its frame");
    } else {
      data_left_ -= padding;
    }
    bytes.remove_prefix(1);
    ++pos;
  }
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(data_left_, bytes.size()));
  if (n == 0) return;
  const bool begins = std::exchange(data_begins_, false);
  const auto left = std::exchange(data_left_, data_left_ - n);
  sink_.data(sender_, frame_.stream, pos, bytes.substr(0, n), left, begins);
}

void Side::payload_hole(std::uint64_t count) {
  if (frame_.type != Type::kData) {
    if (cut_.empty()) cut_ = "bytes of a header block were not seen";
    return;
  }
  if (pad_unknown_) {
    pad_unknown_ = false;
    data_left_ = 0;
    return sink_.data_lost(sender_, frame_.stream);
  }
  const auto n = std::min(data_left_, count);
  data_left_ -= n;
  if (n > 0) data_begins_ = false;
  if (n > 0) sink_.data_hole(sender_, frame_.stream, n);
}

void Side::frame_end() {
  if (frame_.type == Type::kData) {
    sink_.data_end(sender_, frame_.stream, frame_.has(kEndStream));
  } else if (frame_.type == Type::kContinuation) {
    if (in_block_) {
      if (missing_.empty() && gathered_.size() < frame_.length) block_missing(cut_);
      add_to_block(gathered_, gathered_pos_);
    } else {
      hpack_.forget();
      sink_.block_lost(sender_, frame_.stream, false, "its beginning was not seen");
    }
  } else if (carries_block(frame_.type)) {
    begin_block();
  } else {
    control_end();
  }
  gathered_.clear();
}

// Of a HEADERS or PUSH_PROMISE frame.
void Side::begin_block() {
  in_block_ = true;
  missing_ = {};
  block_stream_ = frame_.stream;
  block_ends_stream_ = frame_.type == Type::kHeaders && frame_.has(kEndStream);
  promised_ = 0;
  const std::string_view bytes(gathered_);
  std::size_t front = frame_.has(kPadded) ? 1 : 0;
  const std::size_t at = front;
  if (frame_.type == Type::kPushPromise) {
    front += kStreamId;
  } else if (frame_.has(kPriorityFlag)) {
    front += kPriorityFields;
  }
  std::string_view fragment;
  if (bytes.size() < front) {
    block_missing(cut_);
  } else {
    const std::size_t padding = frame_.has(kPadded) ? static_cast<unsigned char>(bytes[0]) : 0;
    if (frame_.type == Type::kPushPromise)
      promised_ = big_endian(bytes.substr(at, kStreamId)) & kId;
    if (front > 0) sink_.plain(sender_, gathered_pos_, bytes.substr(0, front));
    if (front + padding > frame_.length) {
      sink_.violation(sender_, "padding longer than its frame");
      block_missing("padding longer than its frame");
    } else if (bytes.size() < frame_.length - padding) {
      block_missing(cut_);
    } else {
      fragment = bytes.substr(front, frame_.length - padding - front);
    }
  }
  add_to_block(fragment, gathered_pos_ + front);
}

void Side::block_missing(std::string_view reason) {
  missing_ = reason;
  block_ = {};
  pieces_ = {};
}

void Side::add_to_block(std::string_view fragment, std::uint64_t pos) {
  if (missing_.empty() && !fragment.empty()) {
    if (block_.empty()) block_pos_ = pos;
    const bool placed = block_.empty() || !pieces_.empty();
    block_ += fragment;
    if (placed && pieces_.size() < kBlockPieces) {
      pieces_.push_back({pos, fragment.size()});
    } else {
      pieces_ = {};
    }
  }
  if (frame_.has(kEndHeaders)) end_block();
}

void Side::end_block() {
  if (!missing_.empty()) return give_up_block(missing_);
  in_block_ = false;
  const auto coded = std::exchange(block_, {});
  const auto pieces = std::exchange(pieces_, {});
  const HeaderBlock block{hpack_.decode(coded), coded, pieces};
  if (!block.list.error.empty()) {
    sink_.violation(sender_, block.list.error);
    sink_.block_lost(sender_, promised_ != 0 ? promised_ : block_stream_, block_ends_stream_,
                     block.list.error);
  } else if (promised_ != 0) {
    sink_.promise(sender_, promised_, block);
  } else {
    sink_.block(sender_, block_stream_, block_ends_stream_, block);
  }
}

void Side::give_up_block(std::string_view reason) {
  if (!std::exchange(in_block_, false)) return;
  block_missing(reason);
  hpack_.forget();
  sink_.block_lost(sender_, promised_ != 0 ? promised_ : block_stream_, block_ends_stream_, reason);
}

void Side::control_end() {
  const std::string_view bytes(gathered_);
  const auto needed = std::min<std::size_t>(frame_.length, gathered_of(frame_.type));
  if (bytes.size() < needed || (frame_.type == Type::kSettings && frame_.length > kControlLimit)) {
    sink_.control_lost(sender_, frame_.type);
    if (frame_.type == Type::kReset) sink_.reset(sender_, frame_.stream, kCodeUnseen);
    return;
  }
  if (!bytes.empty()) sink_.plain(sender_, gathered_pos_, bytes);
  switch (frame_.type) {
    case Type::kSettings:
      for (std::size_t at = 0; at + kSetting <= bytes.size(); at += kSetting)
        sink_.setting(sender_, static_cast<std::uint16_t>(big_endian(bytes.substr(at, 2))),
                      big_endian(bytes.substr(at + 2, 4)));
      return;
    case Type::kReset:
      return sink_.reset(sender_, frame_.stream, big_endian(bytes));
    case Type::kGoAway:
      return sink_.go_away(sender_, big_endian(bytes.substr(0, 4)) & kId,
                           big_endian(bytes.substr(4, 4)));
    default:
      return;
  }
}

}  // namespace kilnwatch::protocol::http2
