#include "protocol/grpc/reader.h"

#include <algorithm>

#include "protocol/grpc/gunzip.h"

namespace kilnwatch::protocol::grpc {

void Reader::clear() {
  prefix_.clear();
  body_ = {};
  pieces_ = {};
  length_ = left_ = 0;
  skipping_.reset();
  told_ = false;
  placed_ = true;
}

// Bytes at `pos` are kept.
void Reader::note(std::uint64_t pos, std::size_t size) {
  if (!placed_) return;
  if (!pieces_.empty() && pieces_.back().pos + pieces_.back().size == pos) {
    pieces_.back().size += size;
  } else if (pieces_.size() < kPieceLimit) {
    pieces_.push_back({pos, size});
  } else {
    placed_ = false;
    pieces_ = {};
  }
}

void Reader::cut_to_front() {
  if (body_.size() <= kFrontKept) return;
  body_.resize(kFrontKept);
  std::size_t left = kPrefix + kFrontKept;
  std::size_t kept = 0;
  while (kept < pieces_.size() && left > 0) {
    auto& piece = pieces_[kept++];
    piece.size = std::min(piece.size, left);
    left -= piece.size;
  }
  pieces_.resize(kept);
}

// The message cannot be given whole: its front is enough.
void Reader::skip(Reason reason, MessageSink& sink) {
  skipping_ = reason;
  cut_to_front();
  if (!told_ && (reason == Reason::kHole || body_.size() == kFrontKept)) tell_skipped(reason, sink);
}

void Reader::feed(std::uint64_t pos, std::string_view bytes, std::string_view encoding,
                  std::size_t most, MessageSink& sink) {
  while (!bytes.empty() && !lost_) {
    if (prefix_.size() < kPrefix) {
      take_prefix(pos, bytes, most, sink);
    } else {
      take_body(pos, bytes, most, sink);
    }
    if (prefix_.size() == kPrefix && left_ == 0) finish(encoding, sink);
  }
}

void Reader::take_prefix(std::uint64_t& pos, std::string_view& bytes, std::size_t most,
                         MessageSink& sink) {
  if (prefix_.empty()) {
    if (static_cast<unsigned char>(bytes[0]) > 1) return lose(sink);  // no gRPC
    first_pos_ = pos;
  }
  const auto n = std::min(kPrefix - prefix_.size(), bytes.size());
  prefix_.append(bytes.substr(0, n));
  note(pos, n);
  bytes.remove_prefix(n);
  pos += n;
  if (prefix_.size() < kPrefix) return;
  for (const char c : std::string_view(prefix_).substr(1))
    length_ = length_ << 8U | static_cast<unsigned char>(c);
  left_ = length_;
  if (length_ > limit_) {
    skip(Reason::kTooLarge, sink);
  } else if (length_ > most) {
    skip(Reason::kNoRoom, sink);
  }
}

void Reader::take_body(std::uint64_t& pos, std::string_view& bytes, std::size_t most,
                       MessageSink& sink) {
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  if (!skipping_ && body_.size() + n > most) skip(Reason::kNoRoom, sink);
  const auto kept = !skipping_ ? n : told_ ? 0 : std::min(n, kFrontKept - body_.size());
  if (kept > 0) {
    body_.append(bytes.substr(0, kept));
    note(pos, kept);
    if (skipping_ && body_.size() == kFrontKept) tell_skipped(*skipping_, sink);
  }
  bytes.remove_prefix(n);
  pos += n;
  left_ -= n;
}

void Reader::hole(std::uint64_t count, MessageSink& sink) {
  if (count == 0 || lost_) return;
  if (prefix_.size() < kPrefix || count > left_) return lose(sink);
  skip(Reason::kHole, sink);
  left_ -= count;
  if (left_ == 0) finish({}, sink);
}

void Reader::finish(std::string_view encoding, MessageSink& sink) {
  if (!skipping_) {
    deliver(encoding, sink);
  } else if (!told_) {
    tell_skipped(*skipping_, sink);
  }
  clear();
}

void Reader::deliver(std::string_view encoding, MessageSink& sink) {
  if (prefix_[0] == 0) return sink.message({body_, false, pieces_});
  // Where the header was not seen the data itself says that it is gzip.
  const bool gzip = encoding == "gzip" || (encoding.empty() && body_.starts_with("\x1f\x8b"));
  std::string unpacked;
  auto reason = Reason::kCompression;
  if (gzip) {
    const auto result = gunzip(body_, limit_, unpacked);
    if (result == Unpacked::kWhole) return sink.message({unpacked, true, pieces_});
    reason = result == Unpacked::kTooLarge ? Reason::kTooLarge : Reason::kDamaged;
  }
  cut_to_front();
  tell_skipped(reason, sink);
}

void Reader::tell_skipped(Reason reason, MessageSink& sink) {
  sink.skipped({reason, length_, body_, prefix_.starts_with('\1'), pieces_});
  told_ = true;
  body_ = {};
  pieces_ = {};
  placed_ = false;
}

void Reader::end(MessageSink& sink) {
  if (!lost_ && !prefix_.empty() && !told_) {
    cut_to_front();
    tell_skipped(skipping_.value_or(Reason::kCut), sink);
  }
  clear();
}

void Reader::lose(MessageSink& sink) {
  if (lost_) return;
  lost_ = true;
  cut_to_front();
  tell_skipped(Reason::kUnframed, sink);
  clear();
}

}  // namespace kilnwatch::protocol::grpc
