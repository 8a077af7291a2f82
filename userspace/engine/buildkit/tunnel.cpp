#include "engine/buildkit/tunnel.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/gathered.h"
#include "engine/wire.h"

namespace kilnwatch::engine::buildkit {
namespace {

using domain::Direction;

constexpr std::uint32_t kData = 1;

// What a message carries, and whether it is nothing but that.
struct Carried {
  std::size_t at = 0;
  std::string_view bytes;
  bool sound = true;
};

Carried carried_by(const Tunnel::Message& message) {
  Carried carried;
  Fields fields(message.bytes);
  Field field;
  std::size_t parts = 0;
  while (fields.next(field)) {
    if (field.number != kData || !field.text || ++parts > 1) return {0, {}, false};
    carried = {field.at, message.bytes.substr(field.at, field.size), true};
  }
  if (fields.whole()) return carried;
  if (message.whole || fields.cut_in() != kData || parts > 0) return {0, {}, false};
  return {message.bytes.size() - fields.cut().size(), fields.cut(), true};
}

}  // namespace

bool Tunnel::said(Direction direction, const Message& message, domain::TimeNs time, Output& out) {
  const auto carried = carried_by(message);
  if (!carried.sound || (!message.whole && message.length <= message.bytes.size())) return false;
  vouch(direction, message.pieces, message.bytes.substr(0, carried.at), out.safe);
  auto& to = side(direction);
  const auto begin = to.next;
  for (const auto& piece : protocol::stretch(message.pieces, carried.at, carried.bytes.size())) {
    to.open.push_back({to.next, piece.pos, std::string(piece.size, '\0')});
    to.next += piece.size;
    to.held += piece.size;
  }
  // In more places than are kept: it cannot be recorded, and a replay must not know less.
  if (to.next != begin + carried.bytes.size()) return false;
  Output heard;
  if (!carried.bytes.empty())
    inner_.data({direction, time, begin, carried.bytes, false, true}, heard);
  if (const auto missing = message.length - message.bytes.size(); !message.whole) {
    to.next += missing;
    inner_.gap(direction, time, missing, heard);
  }
  pass_on(heard, false, out);
  return true;
}

void Tunnel::close(domain::TimeNs time, Output& out) {
  Output heard;
  inner_.close(time, heard);
  pass_on(heard, true, out);
}

void Tunnel::pass_on(Output& heard, bool over, Output& out) {
  take(heard);
  std::move(heard.facts.begin(), heard.facts.end(), std::back_inserter(out.facts));
  for (const auto direction : {Direction::kRequest, Direction::kResponse})
    settle(direction, over ? side(direction).next : inner_.settled(direction), out);
}

void Tunnel::take(const Output& heard) {
  for (const auto& range : heard.safe) {
    auto& open = side(range.direction).open;
    const auto end = range.pos + range.bytes.size();
    auto one = std::partition_point(open.begin(), open.end(), [&](const Stretch& s) {
      return s.at + s.safe.size() <= range.pos;
    });
    for (; one != open.end() && one->at < end; ++one) {
      const auto from = std::max(one->at, range.pos);
      const auto to = std::min(one->at + one->safe.size(), end);
      one->safe.replace(from - one->at, to - from, range.bytes, from - range.pos, to - from);
    }
  }
}

void Tunnel::settle(Direction direction, std::uint64_t until, Output& out) {
  auto& from = side(direction);
  while (!from.open.empty() && from.open.front().at + from.open.front().safe.size() <= until) {
    auto& first = from.open.front();
    from.held -= first.safe.size();
    out.safe.push_back({direction, first.pos, std::move(first.safe)});
    from.open.pop_front();
  }
}

std::optional<std::uint64_t> Tunnel::first_pos(Direction direction) const {
  const auto& open = sides_[static_cast<std::size_t>(direction)].open;
  return open.empty() ? std::nullopt : std::optional(open.front().pos);
}

std::size_t Tunnel::held_bytes() const {
  std::size_t sum = sizeof(*this) + inner_.held_bytes();
  for (const auto& side : sides_) sum += side.held + side.open.size() * sizeof(Stretch);
  return sum;
}

}  // namespace kilnwatch::engine::buildkit
