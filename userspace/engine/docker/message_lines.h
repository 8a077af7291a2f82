// The JSON messages of a streamed answer, one a line, out of whatever pieces they come in.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/gathered.h"

namespace kilnwatch::engine::docker {

inline constexpr std::size_t kMaxMessage = 65536;  // bytes of one message of a build's output

class MessageLines {
 public:
  // take(Gathered& message, bool whole); not whole: its front only.
  template <class Take>
  void add(std::uint64_t pos, std::string_view bytes, const Take& take) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      const auto n = end == bytes.npos ? bytes.size() : end + 1;
      // Every write of the engine is a message, so after a hole one begins with its brace.
      if (resume_ && bytes.front() == '{') resume_ = false;
      if (!resume_) {
        const auto room = std::min(n, kMaxMessage - message_.size());
        message_.add(pos, bytes.substr(0, room));
        cut_ = cut_ || room < n;
      }
      pos += n;
      bytes.remove_prefix(n);
      if (end == std::string_view::npos) return;
      resume_ = false;
      hand_over(take, !cut_);
    }
  }
  // Bytes were not seen.
  template <class Take>
  void hole(const Take& take) {
    finish(take, false);
    resume_ = true;
  }
  // No more bytes come. `whole`: what is there is a message.
  template <class Take>
  void finish(const Take& take, bool whole) {
    if (!message_.empty()) hand_over(take, whole && !cut_);
  }
  void restart() {
    message_.clear();
    cut_ = resume_ = false;
  }
  bool empty() const { return message_.empty(); }
  std::uint64_t first_pos() const { return message_.first_pos(); }
  std::size_t held_bytes() const { return message_.held_bytes(); }

 private:
  template <class Take>
  void hand_over(const Take& take, bool whole) {
    take(message_, whole);
    message_.clear();
    cut_ = false;
  }

  Gathered message_;
  bool cut_ = false;     // message_ is only the front of one
  bool resume_ = false;  // the next message begins behind bytes that were not seen
};

}  // namespace kilnwatch::engine::docker
