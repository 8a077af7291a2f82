#include "protocol/http1/parser.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace kilnwatch::protocol {

std::string_view Head::field(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return {};
}

void Parser::lose() {
  state_ = State::kLost;
  raw_.clear();
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
}

void Parser::skip(std::uint64_t count) {
  if (state_ == State::kRaw) return;
  if ((state_ != State::kLength && state_ != State::kChunk) || count > left_) return lose();
  left_ -= count;
  if (left_ != 0) return;
  if (state_ == State::kChunk) {
    state_ = State::kChunkEnd;
  } else {
    resync();
    sink_.end();
  }
}

void Parser::feed(std::uint64_t pos, std::string_view bytes) {
  while (!bytes.empty() && state_ != State::kLost) {
    if (state_ == State::kRaw) return sink_.body(pos, bytes);
    if (state_ == State::kLength || state_ == State::kChunk) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      sink_.body(pos, bytes.substr(0, n));
      bytes.remove_prefix(n);
      pos += n;
      skip(n);
      continue;
    }
    const auto lf = bytes.find('\n');
    const auto n = lf == bytes.npos ? bytes.size() : lf + 1;
    head_size_ += n;
    if (head_size_ > kHeadLimit) return lose();
    if (raw_.empty()) line_pos_ = pos;
    raw_.append(bytes.substr(0, n));
    if (lf == bytes.npos) return;
    bytes.remove_prefix(n);
    pos += n;
    const std::string raw = std::move(raw_);
    raw_.clear();
    sink_.line(line_pos_, raw);
    std::string line = raw.substr(0, raw.size() - 1);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    take_line(line);
  }
}

void Parser::take_line(const std::string& line) {
  if (state_ == State::kChunkEnd) {
    if (!line.empty()) return lose();
    state_ = State::kChunkSize;
    head_size_ = 0;
  } else if (state_ == State::kChunkSize) {
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), left_, 16);
    if (error != std::errc{}) return lose();
    state_ = left_ == 0 ? State::kTrailer : State::kChunk;
  } else if (state_ == State::kTrailer) {
    if (!line.empty()) return;
    resync();
    sink_.end();
  } else if (line.empty()) {
    if (!head_.first.empty()) finish_head();
  } else if (head_.first.empty()) {
    const auto a = line.find(' ');
    if (a == line.npos || a == 0) return lose();
    const auto b = line.find(' ', a + 1);
    head_.first = line.substr(0, a);
    head_.second = line.substr(a + 1, b == line.npos ? b : b - a - 1);
    if (b != line.npos) head_.third = line.substr(b + 1);
    if (!(response_ ? head_.first : head_.third).starts_with("HTTP/1.")) lose();
  } else if (line[0] == ' ' || line[0] == '\t') {
    if (!head_.fields.empty()) head_.fields.back().second += line;
  } else if (const auto colon = line.find(':'); colon != line.npos) {
    const auto from = line.find_first_not_of(" \t", colon + 1);
    head_.fields.emplace_back(base::lower(line.substr(0, colon)),
                              from == line.npos ? "" : line.substr(from));
  }
}

void Parser::finish_head() {
  Head head = std::move(head_);
  resync();
  const std::string length(head.field("content-length")), coding(head.field("transfer-encoding"));
  const std::string code = response_ ? head.second : "";
  const bool upgrade = code == "101";
  const bool bare = code == "204" || code == "304" || (code.starts_with('1') && !upgrade);
  const bool has_body = sink_.head(std::move(head));
  if (upgrade) {
    state_ = State::kRaw;
  } else if (bare || !has_body) {
    if (!code.starts_with('1')) sink_.end();
  } else if (coding.find("chunked") != coding.npos) {
    state_ = State::kChunkSize;
  } else if (!length.empty()) {
    const auto [p, error] = std::from_chars(length.data(), length.data() + length.size(), left_);
    if (error != std::errc{}) return lose();
    if (left_ == 0) return sink_.end();
    state_ = State::kLength;
  } else if (response_) {
    state_ = State::kRaw;
  } else {
    sink_.end();
  }
}

}  // namespace kilnwatch::protocol
