#include "protocol/http1/parser.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "protocol/http1/framing.h"

namespace kilnwatch::protocol {

void Parser::lose() {
  resync();
  state_ = State::kLost;
}

void Parser::tunnel() {
  resync();
  state_ = State::kTunnel;
}

void Parser::resync_chunk() {
  resync();
  state_ = State::kChunkSize;
}

void Parser::resync() {
  state_ = State::kHead;
  raw_.clear();
  head_ = {};
  head_size_ = 0;
  kept_ = 0;
  keeping_ = false;
}

void Parser::fail(std::string_view reason) {
  lose();
  sink_.broken(reason);
}

void Parser::finish() {
  if (state_ != State::kUntilClose) return;
  resync();
  sink_.end();
}

void Parser::body_done(std::uint64_t count) {
  left_ -= count;
  if (left_ != 0) return;
  if (state_ == State::kChunk) {
    state_ = State::kChunkEnd;
    head_size_ = 0;
  } else {
    resync();
    sink_.end();
  }
}

void Parser::hole(std::uint64_t count) {
  if (count == 0 || state_ == State::kUntilClose || state_ == State::kTunnel ||
      state_ == State::kLost)
    return;
  if (state_ == State::kLength || state_ == State::kChunk) {
    const bool chunk = state_ == State::kChunk;
    const auto inside = std::min(count, left_);
    body_done(inside);
    count -= inside;
    if (count == 0 || (chunk && count == 1)) return;
  }
  if (state_ == State::kChunkEnd && raw_.empty() && count == 2) {  // the line end after a chunk
    state_ = State::kChunkSize;
    return;
  }
  fail("bytes between bodies were not seen");
}

void Parser::skip_body(std::uint64_t count) {
  const bool chunked =
      state_ == State::kChunk || state_ == State::kChunkEnd || state_ == State::kChunkSize;
  if (!chunked || (state_ == State::kChunk && count <= left_)) return hole(count);
  left_ = 0;
  raw_.clear();
  head_size_ = 0;
  state_ = State::kTrailer;
}

std::size_t Parser::feed(std::uint64_t pos, std::string_view bytes) {
  const auto all = bytes.size();
  paused_ = false;
  while (!bytes.empty() && !paused_) {
    if (state_ == State::kLost || state_ == State::kTunnel) return all;
    if (state_ == State::kUntilClose) {
      sink_.body(pos, bytes);
      return all;
    }
    if (state_ == State::kLength || state_ == State::kChunk) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      sink_.body(pos, bytes.substr(0, n));
      bytes.remove_prefix(n);
      pos += n;
      body_done(n);
    } else {
      feed_line(pos, bytes);
    }
  }
  return all - bytes.size();
}

// Up to the end of the line that is being gathered.
void Parser::feed_line(std::uint64_t& pos, std::string_view& bytes) {
  const auto lf = bytes.find('\n');
  const auto n = lf == bytes.npos ? bytes.size() : lf + 1;
  const bool chunk_line = state_ == State::kChunkSize || state_ == State::kChunkEnd;
  head_size_ += n;
  if (head_size_ > (chunk_line ? kChunkLineLimit : kHeadLimit))
    return fail(chunk_line ? "a chunk-size line is too long" : "a head is too long");
  if (raw_.empty()) line_pos_ = pos;
  raw_.append(bytes.substr(0, n));
  bytes.remove_prefix(n);
  pos += n;
  if (lf == bytes.npos) return;
  const std::string raw = std::exchange(raw_, {});
  std::string_view line(raw);
  line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  take_line(raw, line);
}

void Parser::take_line(std::string_view raw, std::string_view line) {
  if (state_ == State::kChunkEnd) {
    if (!line.empty()) return fail("a chunk is longer than its size");
    sink_.line(Line::kEmpty, line_pos_, raw);
    state_ = State::kChunkSize;
    head_size_ = 0;
  } else if (state_ == State::kChunkSize) {
    const auto size = chunk_size(line);
    if (!size) return fail("a chunk size that is no number");
    sink_.line(Line::kChunkSize, line_pos_, raw);
    left_ = *size;
    state_ = left_ == 0 ? State::kTrailer : State::kChunk;
    head_size_ = 0;
  } else if (line.empty()) {
    sink_.line(Line::kEmpty, line_pos_, raw);
    if (state_ == State::kTrailer) {
      resync();
      sink_.end();
    } else if (!head_.first.empty()) {
      finish_head();
    }  // else: before a request line, net/http skips it after a POST
  } else if (state_ == State::kHead && head_.first.empty()) {
    if (!parse_start(line, response_, head_))
      return fail(response_ ? "no HTTP/1 status line" : "no HTTP/1 request line");
    sink_.line(Line::kStart, line_pos_, raw);
  } else if (line[0] == ' ' || line[0] == '\t') {
    sink_.line(Line::kFold, line_pos_, raw);
    const auto from = line.find_first_not_of(" \t");
    if (state_ == State::kHead && keeping_ && from != line.npos) {
      auto& value = head_.fields.back().second;
      if (!value.empty()) value += ' ';
      value += line.substr(from, line.find_last_not_of(" \t") - from + 1);
      kept_ += line.size();
    }
  } else {
    // net/http answers 400 to a line without a colon; it is passed over here and not told.
    if (line.find(':') != line.npos) sink_.line(Line::kField, line_pos_, raw);
    if (state_ == State::kHead) take_field(line);
  }
}

void Parser::take_field(std::string_view line) {
  keeping_ = false;
  const auto colon = line.find(':');
  if (colon == line.npos) return;
  auto name = base::lower(line.substr(0, colon));
  if (kept_ > kFieldsKept && name != "content-length" && name != "transfer-encoding") return;
  const auto from = line.find_first_not_of(" \t", colon + 1);
  std::string value;
  if (from != line.npos) value = line.substr(from, line.find_last_not_of(" \t") - from + 1);
  kept_ += line.size();
  head_.fields.emplace_back(std::move(name), std::move(value));
  keeping_ = true;
}

void Parser::finish_head() {
  Head head = std::move(head_);
  resync();
  const std::string code = response_ ? head.second : "";
  const bool bare = code == "204" || code == "304" || code.starts_with('1');
  const auto framing = framing_of(head, response_);
  const Body body = sink_.head(std::move(head));
  if (body == Body::kTunnel || code == "101") return tunnel();
  if (bare || body == Body::kNone) {
    if (!code.starts_with('1')) sink_.end();  // 1xx: the answer is still to come
    return;
  }
  switch (framing.kind) {
    case Framing::Kind::kNone:
      return sink_.end();
    case Framing::Kind::kLength:
      left_ = framing.length;
      state_ = State::kLength;
      return;
    case Framing::Kind::kChunked:
      state_ = State::kChunkSize;
      return;
    case Framing::Kind::kUntilClose:
      state_ = State::kUntilClose;
      return;
    case Framing::Kind::kBroken:
      return fail(framing.reason);
  }
}

}  // namespace kilnwatch::protocol
