#include "fleet/cluster.h"

#include <utility>

#include "base/number.h"

namespace kilnwatch::fleet {
namespace {

constexpr std::size_t kMaxHost = 253;  // bytes: a name of DNS

// CRC-16/XMODEM, as the specification of clusters has it.
std::uint16_t crc16(std::string_view bytes) {
  unsigned crc = 0;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(c)) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021 : 0);
    crc &= 0xffff;
  }
  return static_cast<std::uint16_t>(crc);
}

std::optional<Node> node_of(std::string host, std::int64_t port, const Node& from) {
  if (host.empty() || host == "?") host = from.host;
  if (port <= 0 || port > 0xffff || host.size() > kMaxHost) return std::nullopt;
  return Node{std::move(host), static_cast<std::uint16_t>(port)};
}

}  // namespace

Slot slot_of(std::string_view key) {
  if (const auto open = key.find('{'); open != key.npos) {
    const auto close = key.find('}', open + 1);
    if (close != key.npos && close > open + 1) key = key.substr(open + 1, close - open - 1);
  }
  return crc16(key) % kSlots;
}

std::optional<Redirect> redirect_of(const Reply& reply, const Node& from) {
  const bool ask = reply.is_error("ASK");
  if (!ask && !reply.is_error("MOVED")) return std::nullopt;
  std::string_view rest = reply.text;
  rest.remove_prefix(rest.find(' ') + 1);
  const auto blank = rest.find(' ');
  const auto colon = rest.rfind(':');
  if (blank == rest.npos || colon == rest.npos || colon < blank) return std::nullopt;
  const auto slot = base::number_of<Slot>(rest.substr(0, blank));
  const auto port = base::number_of<std::uint16_t>(rest.substr(colon + 1));
  if (!slot || *slot >= kSlots || !port) return std::nullopt;
  auto node = node_of(std::string(rest.substr(blank + 1, colon - blank - 1)), *port, from);
  if (!node) return std::nullopt;
  return Redirect{ask, *slot, std::move(*node)};
}

const Node* Slots::find(Slot slot) const {
  auto at = ranges_.upper_bound(slot);
  if (at == ranges_.begin()) return nullptr;
  --at;
  return at->second.last >= slot ? &at->second.node : nullptr;
}

// What it overlaps is cut off.
void Slots::set(Slot first, Slot last, const Node& node) {
  if (ranges_.size() >= kMaxRanges) ranges_.clear();
  auto at = ranges_.upper_bound(first);
  if (at != ranges_.begin() && std::prev(at)->second.last >= first) --at;
  while (at != ranges_.end() && at->first <= last) {
    const Slot begin = at->first;
    const Range old = at->second;
    at = ranges_.erase(at);
    if (begin < first) ranges_[begin] = {static_cast<Slot>(first - 1), old.node};
    if (old.last > last) ranges_[static_cast<Slot>(last + 1)] = old;
  }
  ranges_[first] = {last, node};
}

void Slots::learn(const Reply& reply, const Node& from) {
  for (const Reply& range : reply.items) {
    if (range.items.size() < 3 || range.items[2].items.size() < 2) continue;
    const std::int64_t first = range.items[0].number, last = range.items[1].number;
    const Reply& master = range.items[2];
    auto node = node_of(master.items[0].text, master.items[1].number, from);
    if (first < 0 || first > last || last >= kSlots || !node) continue;
    set(static_cast<Slot>(first), static_cast<Slot>(last), *node);
  }
}

}  // namespace kilnwatch::fleet
