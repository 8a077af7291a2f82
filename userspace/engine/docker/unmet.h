// What an engine wrote on a connection that was open before the sensor, until its client is heard:
// only what a client sends first tells whether HTTP/2 is spoken, and how a build goes may be told
// before that.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/docker/early.h"
#include "engine/docker/start.h"
#include "protocol/http2/frame_rules.h"

namespace kilnwatch::engine::docker {

class Unmet {
 public:
  // Kept from where a write begins like a frame that fits.
  void add(const domain::Chunk& chunk) {
    if (held_.empty() && !(chunk.call_start && fits(chunk.bytes))) return;
    if (!held_.add(chunk)) held_.clear();
  }
  void add_hole(std::uint64_t count, bool lost) {
    if (!held_.empty()) held_.add_hole(count, lost);
  }
  void clear() { held_.clear(); }
  bool empty() const { return held_.empty(); }
  std::uint64_t first_pos() const { return held_.first_pos(); }
  std::size_t held_bytes() const { return held_.held_bytes(); }
  // What is kept, if it is frames one after the other (the last one may go on); else nothing.
  std::vector<Early::Piece> take_frames() {
    auto pieces = held_.take();
    if (!are_frames(pieces)) pieces.clear();
    return pieces;
  }

 private:
  static constexpr std::size_t kHeader = protocol::http2::kFrameHeader;

  static bool fits(std::string_view bytes) {
    return may_be_frame(bytes) && protocol::http2::read_frame_header(bytes).length <= kMaxEarly;
  }
  static bool are_frames(const std::vector<Early::Piece>& pieces) {
    std::uint64_t left = 0;
    std::string header;
    for (const auto& piece : pieces) {
      std::string_view bytes = piece.bytes;
      while (!bytes.empty()) {
        if (left > 0) {
          const auto n = std::min<std::uint64_t>(left, bytes.size());
          left -= n;
          bytes.remove_prefix(n);
          continue;
        }
        const auto n = std::min(kHeader - header.size(), bytes.size());
        header.append(bytes.substr(0, n));
        bytes.remove_prefix(n);
        if (header.size() < kHeader) continue;
        if (!may_be_frame(header)) return false;
        left = protocol::http2::read_frame_header(header).length;
        header.clear();
      }
      if (piece.lost || piece.hole > left) return false;
      left -= piece.hole;
    }
    return true;
  }

  Early held_;
};

}  // namespace kilnwatch::engine::docker
