// A stretch of a stream: where bytes that were gathered came from.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kilnwatch::protocol {

struct Piece {
  std::uint64_t pos = 0;
  std::size_t size = 0;
  bool operator==(const Piece&) const = default;
};

}  // namespace kilnwatch::protocol
