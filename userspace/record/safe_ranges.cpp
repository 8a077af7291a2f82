#include "record/safe_ranges.h"

#include <algorithm>
#include <iterator>

namespace kilnwatch::record {

std::size_t SafeRanges::add(std::uint64_t pos, const std::string& bytes) {
  if (bytes.empty() || pos + bytes.size() < pos) return 0;
  if (waiting_.empty() || pos + bytes.size() <= *waiting_.begin()) return 0;
  return ranges_.emplace(pos, bytes).second ? bytes.size() : 0;
}

std::vector<domain::ConnData> SafeRanges::rebuild(const domain::ConnData& shape,
                                                  std::uint32_t captured) const {
  std::vector<domain::ConnData> pieces;
  domain::ConnData piece = shape;
  piece.bytes.clear();
  piece.span = 0;
  const std::uint64_t end = shape.pos + captured;
  std::uint64_t at = shape.pos;  // everything below is in a piece
  const auto extend = [&](std::uint64_t to) {
    piece.span += static_cast<std::uint32_t>(to - at);
    at = to;
  };
  const auto close_piece = [&] {
    pieces.push_back(piece);
    piece.bytes.clear();
    piece.span = 0;
    piece.pos = at;
    piece.skipped_before = piece.lost_before = piece.at_head = false;
  };
  auto range = ranges_.upper_bound(shape.pos);
  if (range != ranges_.begin()) --range;
  for (; range != ranges_.end() && range->first < end; ++range) {
    const std::uint64_t from = std::max(range->first, at);
    const std::uint64_t to = std::min(range->first + range->second.size(), end);
    if (to <= from) continue;
    if (from > at) extend(from);  // left out
    if (piece.span > piece.bytes.size()) close_piece();
    piece.bytes.append(range->second, from - range->first, to - from);
    extend(to);
  }
  extend(shape.pos + shape.span);
  pieces.push_back(piece);
  return pieces;
}

std::size_t SafeRanges::release(std::uint64_t pos, std::uint64_t end) {
  if (const auto it = waiting_.find(pos); it != waiting_.end()) waiting_.erase(it);
  const std::uint64_t keep = waiting_.empty() ? end : *waiting_.begin();
  std::size_t freed = 0;
  for (auto it = ranges_.begin(); it != ranges_.end();) {
    if (!waiting_.empty() && it->first >= keep) break;
    if (waiting_.empty() || it->first + it->second.size() <= keep) {
      freed += it->second.size();
      it = ranges_.erase(it);
    } else {
      ++it;
    }
  }
  return freed;
}

}  // namespace kilnwatch::record
