// A conversation as a recording of it gives it back.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/conversation.h"

namespace kilnwatch::test {

// What a recording of it gives: bytes that were vouched for, at their places.
inline std::vector<Turn> recorded(const std::vector<Turn>& turns, const engine::Output& output) {
  std::map<std::uint64_t, std::string> safe[2];
  for (const auto& range : output.safe)
    safe[static_cast<std::size_t>(range.direction)][range.pos] = range.bytes;
  std::uint64_t pos[2] = {0, 0};
  std::vector<Turn> out;
  for (const auto& turn : turns) {
    const auto side = static_cast<std::size_t>(turn.direction);
    std::string bytes(turn.bytes.size(), '?');
    std::vector<bool> kept(turn.bytes.size());
    for (const auto& [at, part] : safe[side]) {
      for (std::size_t i = 0; i < part.size(); ++i) {
        if (at + i < pos[side] || at + i >= pos[side] + bytes.size()) continue;
        bytes[at + i - pos[side]] = part[i];
        kept[at + i - pos[side]] = true;
      }
    }
    for (std::size_t from = 0; from < bytes.size();) {
      std::size_t to = from;
      while (to < bytes.size() && kept[to] == kept[from]) ++to;
      out.push_back({turn.direction, bytes.substr(from, to - from),
                     kept[from] ? Turn::Kind::kData : Turn::Kind::kSkip});
      from = to;
    }
    pos[side] += turn.bytes.size();
  }
  return out;
}

}  // namespace kilnwatch::test
