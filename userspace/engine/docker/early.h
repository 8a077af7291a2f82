// Response bytes that came before their request was seen: the engine's reader and writer race.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "domain/chunk.h"

namespace kilnwatch::engine::docker {

inline constexpr std::size_t kMaxEarly = 16384;  // bytes; a race is over within one or two writes
inline constexpr std::size_t kMaxEarlyPieces = 64;

class Early {
 public:
  struct Piece {
    std::uint64_t pos = 0;
    std::string bytes;
    bool call_start = false;
    std::uint64_t hole = 0;  // bytes that were not seen, after `bytes`
    bool lost = false;
  };

  // False: it does not fit.
  bool add(const domain::Chunk& chunk) {
    if (size_ + chunk.bytes.size() > kMaxEarly) return false;
    size_ += chunk.bytes.size();
    if (!pieces_.empty() && !chunk.call_start && pieces_.back().hole == 0) {
      pieces_.back().bytes += chunk.bytes;
      return true;
    }
    if (pieces_.size() >= kMaxEarlyPieces) return false;
    pieces_.push_back({chunk.pos, std::string(chunk.bytes), chunk.call_start, 0, false});
    return true;
  }
  // After at least one chunk.
  void add_hole(std::uint64_t count, bool lost) {
    pieces_.back().hole += count;
    pieces_.back().lost |= lost;
  }
  std::vector<Piece> take() {
    size_ = 0;
    return std::exchange(pieces_, {});
  }
  void clear() { take(); }
  bool empty() const { return pieces_.empty(); }
  std::size_t held_bytes() const { return size_; }
  std::uint64_t first_pos() const { return pieces_.front().pos; }

  // An error status: net/http refused what it read, or waited too long (400, 408, 431).
  bool is_refusal() const {
    std::string head;
    for (const auto& piece : pieces_) head += piece.bytes;
    return head.size() > 9 && head.starts_with("HTTP/1.") && (head[9] == '4' || head[9] == '5');
  }

 private:
  std::vector<Piece> pieces_;
  std::size_t size_ = 0;
};

}  // namespace kilnwatch::engine::docker
