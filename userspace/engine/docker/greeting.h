// The first bytes of a client, while they may be the preface of HTTP/2 (net/http: only the
// beginning of a connection is looked at).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/chunk.h"
#include "engine/docker/early.h"
#include "protocol/http2/frame.h"

namespace kilnwatch::engine::docker {

class Greeting {
 public:
  enum class Heard : std::uint8_t { kOther, kPart, kPreface };

  // What the bytes up to this chunk are. Of kPart the chunk is kept.
  Heard add(const domain::Chunk& chunk) {
    if (over_) return Heard::kOther;
    constexpr auto kPreface = protocol::http2::kPreface;
    const auto rest = kPreface.substr(std::min(size_, kPreface.size()));
    const auto n = std::min(rest.size(), chunk.bytes.size());
    over_ = rest.substr(0, n) != chunk.bytes.substr(0, n);
    if (over_) return Heard::kOther;
    if (n == rest.size()) return Heard::kPreface;
    size_ += n;
    pieces_.push_back({chunk.pos, std::string(chunk.bytes), chunk.call_start, 0, false});
    return Heard::kPart;
  }
  // It is none any more; what was kept.
  std::vector<Early::Piece> end() {
    over_ = true;
    size_ = 0;
    return std::exchange(pieces_, {});
  }
  bool empty() const { return pieces_.empty(); }
  std::uint64_t first_pos() const { return pieces_.front().pos; }
  std::size_t held_bytes() const { return pieces_.size() * sizeof(Early::Piece); }

 private:
  std::vector<Early::Piece> pieces_;  // fewer bytes than the preface has
  std::size_t size_ = 0;
  bool over_ = false;
};

}  // namespace kilnwatch::engine::docker
