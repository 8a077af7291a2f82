// Bytes of one unit (a JSON message, the front of an archive) with their places in the stream.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/conversation.h"
#include "protocol/piece.h"

namespace kilnwatch::engine {

// Vouches for what stands at those places with `safe`, as far as both go.
inline void vouch(domain::Direction direction, const std::vector<protocol::Piece>& places,
                  std::string_view safe, std::vector<SafeRange>& out) {
  for (const auto& place : places) {
    const auto n = std::min(place.size, safe.size());
    if (n == 0) return;
    out.push_back({direction, place.pos, std::string(safe.substr(0, n))});
    safe.remove_prefix(n);
  }
}

class Gathered {
 public:
  void add(std::uint64_t pos, std::string_view bytes) {
    if (bytes.empty()) return;
    if (!pieces_.empty() && pieces_.back().pos + pieces_.back().size == pos)
      pieces_.back().size += bytes.size();
    else
      pieces_.push_back({pos, bytes_.size(), bytes.size()});
    bytes_.append(bytes);
  }
  void clear() {
    bytes_.clear();
    pieces_.clear();
  }
  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }
  std::size_t pieces() const { return pieces_.size(); }
  std::size_t held_bytes() const { return bytes_.capacity() + pieces_.capacity() * sizeof(Piece); }
  const std::string& bytes() const { return bytes_; }
  std::uint64_t first_pos() const { return pieces_.front().pos; }

  // Every piece with its place, in order.
  template <class Take>
  void each(const Take& take) const {
    for (const auto& piece : pieces_)
      take(piece.pos, std::string_view(bytes_).substr(piece.at, piece.size));
  }

  // Vouches for [from, to) of the unit with `safe`, which is as long as that range.
  void vouch(domain::Direction direction, std::size_t from, std::size_t to, std::string_view safe,
             std::vector<SafeRange>& out) const {
    for (const auto& piece : pieces_) {
      const auto begin = std::max(from, piece.at);
      const auto end = std::min(to, piece.at + piece.size);
      if (begin >= end) continue;
      out.push_back({direction, piece.pos + (begin - piece.at),
                     std::string(safe.substr(begin - from, end - begin))});
    }
  }

 private:
  struct Piece {
    std::uint64_t pos;  // in the stream
    std::size_t at;     // in bytes_
    std::size_t size;
  };
  std::string bytes_;
  std::vector<Piece> pieces_;
};

}  // namespace kilnwatch::engine
