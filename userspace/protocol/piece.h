// A stretch of a stream: where bytes that were gathered came from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kilnwatch::protocol {

struct Piece {
  std::uint64_t pos = 0;
  std::size_t size = 0;
  bool operator==(const Piece&) const = default;
};

// [from, from + size) of what the pieces hold together.
inline std::vector<Piece> stretch(const std::vector<Piece>& pieces, std::size_t from,
                                  std::size_t size) {
  std::vector<Piece> out;
  for (const auto& piece : pieces) {
    if (size == 0) break;
    if (from >= piece.size) {
      from -= piece.size;
      continue;
    }
    const auto n = std::min(size, piece.size - from);
    out.push_back({piece.pos + from, n});
    size -= n;
    from = 0;
  }
  return out;
}

}  // namespace kilnwatch::protocol
