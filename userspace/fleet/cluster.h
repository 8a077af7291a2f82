// Which node of a cluster has a key, as its nodes tell it. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "fleet/reply.h"
#include "fleet/transport.h"

namespace kilnwatch::fleet {

inline constexpr std::uint16_t kSlots = 16'384;
// Ranges of slots that are remembered; beyond it all are asked for anew.
inline constexpr std::size_t kMaxRanges = 4096;

using Slot = std::uint16_t;
// As servers reckon it: of the part within the first braces, where there is one.
Slot slot_of(std::string_view key);

struct Redirect {
  bool once = false;  // ASK: only this time, and said to the node first
  Slot slot = 0;
  Node node;
};
// Of "MOVED 3999 192.0.2.1:6381" and "ASK …". `from`: who said it, where it names no host.
std::optional<Redirect> redirect_of(const Reply& reply, const Node& from);

class Slots {
 public:
  // Null: nobody told so far.
  const Node* find(Slot slot) const;
  void set(Slot slot, const Node& node) { set(slot, slot, node); }
  // Of the reply to CLUSTER SLOTS. What is none of one changes nothing.
  void learn(const Reply& reply, const Node& from);
  void clear() { ranges_.clear(); }
  std::size_t size() const { return ranges_.size(); }

 private:
  struct Range {
    Slot last = 0;
    Node node;
  };
  void set(Slot first, Slot last, const Node& node);
  std::map<Slot, Range> ranges_;  // by their first slot; none overlaps another
};

}  // namespace kilnwatch::fleet
