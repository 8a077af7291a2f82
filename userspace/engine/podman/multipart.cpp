#include "engine/podman/multipart.h"

#include <algorithm>

#include "base/secrets.h"
#include "base/text.h"
#include "protocol/url/url.h"

namespace kilnwatch::engine::podman {
namespace {

constexpr std::size_t kMaxLine = 4096;    // bytes of a line of a part's head
constexpr std::size_t kMaxBoundary = 70;  // RFC 2046 section 5.1.1
constexpr std::string_view kContext = "MainContext";

std::string_view without_end(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

MultipartFront::MultipartFront(std::string_view content_type) {
  const auto boundary = protocol::header_parameter(content_type, "boundary").value_or("");
  if (boundary.empty() || boundary.size() > kMaxBoundary) {
    state_ = State::kDone;
    return;
  }
  boundary_ = "--" + boundary;
}

void MultipartFront::add(const docker::Scene& scene, std::uint64_t pos, std::string_view bytes,
                         docker::ContextFront& context) {
  while (!bytes.empty() && state_ != State::kDone) {
    std::size_t n = 0;
    if (state_ == State::kContent) {
      n = content(scene, pos, bytes, context);
    } else {
      n = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
      if (line_.size() + n > kMaxLine) return finish(scene, context);
      line_.add(pos, bytes.substr(0, n));
      if (bytes[n - 1] == '\n') take_line(scene);
    }
    pos += n;
    bytes.remove_prefix(n);
    if (state_ == State::kDone) finish(scene, context);
  }
}

// A line is whole.
void MultipartFront::take_line(const docker::Scene& scene) {
  const auto text = without_end(line_.bytes());
  if (state_ == State::kPreamble) {
    const bool delimiter =
        text.starts_with(boundary_) &&
        text.find_first_not_of(" \t", boundary_.size()) == std::string_view::npos;
    if (delimiter) {
      delimiter_ = (line_.bytes().ends_with("\r\n") ? "\r\n" : "\n") + boundary_;
      keep_line(scene, true);
      state_ = State::kHead;
      ours_ = false;
    }
  } else if (state_ == State::kTail) {
    keep_line(scene, true);
    state_ = text.starts_with("--") ? State::kDone : State::kHead;
    ours_ = false;
  } else if (text.empty()) {
    keep_line(scene, true);
    state_ = State::kContent;
    // A delimiter may follow at once: the end of this line is the one that it begins with.
    matched_ = assumed_ = delimiter_.size() - boundary_.size();
  } else {
    const bool disposition = base::lower(text).starts_with("content-disposition:");
    if (disposition) ours_ = protocol::header_parameter(text, "name").value_or("") == kContext;
    keep_line(scene, disposition);
  }
  line_.clear();
}

// `all`: its value, too.
void MultipartFront::keep_line(const docker::Scene& scene, bool all) {
  const auto& bytes = line_.bytes();
  auto safe = base::mask_text_same_length(bytes);
  const auto end = without_end(bytes).size();
  const auto from = std::min(all ? end : bytes.find(':') + 1, end);
  std::fill(safe.begin() + static_cast<std::ptrdiff_t>(from),
            safe.begin() + static_cast<std::ptrdiff_t>(end), '*');
  line_.vouch(domain::Direction::kRequest, 0, bytes.size(), safe, scene.out->safe);
}

// How many bytes were read; what is left stands behind a delimiter. Bytes that may be one wait
// until it is decided; they are those of the delimiter, so only their number is kept.
std::size_t MultipartFront::content(const docker::Scene& scene, std::uint64_t pos,
                                    std::string_view bytes, docker::ContextFront& context) {
  const auto hand_on = [&](std::uint64_t at, std::string_view text) {
    if (ours_ && !text.empty()) context.add(scene, at, text);
  };
  std::size_t from = 0;  // of the bytes that are not handed on and do not wait
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool full = matched_ == delimiter_.size();
    // mime/multipart matchAfterPrefix: a longer word is no boundary.
    if (full && std::string_view(" \t\r\n-").find(bytes[i]) != std::string_view::npos) {
      matched_ = assumed_ = 0;
      state_ = ours_ ? State::kDone : State::kTail;
      return i;
    }
    if (full || (matched_ > 0 && bytes[i] != delimiter_[matched_])) {
      hand_on(match_pos_, std::string_view(delimiter_).substr(assumed_, matched_ - assumed_));
      matched_ = assumed_ = 0;
      from = i;
    }
    if (bytes[i] != delimiter_[matched_]) continue;
    if (matched_ == assumed_) {
      hand_on(pos + from, bytes.substr(from, i - from));
      match_pos_ = pos + i;
    }
    ++matched_;
  }
  if (matched_ == assumed_) hand_on(pos + from, bytes.substr(from));
  return bytes.size();
}

void MultipartFront::hole(const docker::Scene& scene, std::uint64_t count,
                          docker::ContextFront& context) {
  if (state_ == State::kDone) return;
  // Behind the front of the body, or of a context that was looked at before (a recording).
  if (state_ != State::kContent || !ours_) return finish(scene, context);
  context.hole(scene, count + matched_ - assumed_);
  matched_ = assumed_ = 0;
}

void MultipartFront::finish(const docker::Scene& scene, docker::ContextFront& context) {
  state_ = State::kDone;
  line_.clear();
  context.finish(scene);
}

std::optional<std::uint64_t> MultipartFront::held() const {
  if (!line_.empty()) return line_.first_pos();
  if (state_ == State::kContent && ours_ && matched_ > assumed_) return match_pos_;
  return std::nullopt;
}

}  // namespace kilnwatch::engine::podman
