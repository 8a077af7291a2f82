#include "protocol/http2/connection.h"

#include <algorithm>
#include <utility>

#include "protocol/http2/teller.h"

namespace kilnwatch::protocol::http2 {
namespace {

// RFC 9113 6.5.2
constexpr std::uint16_t kHeaderTableSize = 1;
constexpr std::uint16_t kMaxFrameSize = 5;

// Fields whose name begins with a colon stand in headers, never in trailers (8.1).
bool has_pseudo(const HeaderList& list) {
  return std::any_of(list.fields.begin(), list.fields.end(),
                     [](const Field& f) { return f.name_known && f.name.starts_with(':'); });
}

}  // namespace

Connection::Connection(const Options& options, ConnectionSink& sink)
    : options_(options),
      sink_(sink),
      sides_{Side(Sender::kConnector, options.midway, *this),
             Side(Sender::kAcceptor, options.midway, *this)},
      client_(options.client),
      whole_(!options.midway) {
  if (whole_) max_frame_ = {kMaxFrame, kMaxFrame};
}

void Connection::lose(Sender from) {
  side(from).lose();
  side_lost(from);
}

void Connection::resync(Sender from) {
  side(from).resync();
  sync_once(from, Sync::kMark);
}

void Connection::close() {
  for (auto& [id, tracked] : streams_) {
    for (const auto from : {Sender::kConnector, Sender::kAcceptor})
      read(tracked, from, [](auto& reader, auto& teller) { reader.end(teller); });
  }
  streams_.clear();
  texts_ = 0;
}

std::uint64_t Connection::untold(Sender from, std::uint64_t next) const {
  next = sides_[at(from)].untold(next);
  for (const auto& [id, tracked] : streams_)
    next = std::min(next, tracked.readers[at(from)].first_pos().value_or(next));
  return next;
}

std::size_t Connection::held_bytes() const {
  return sides_[0].held_bytes() + sides_[1].held_bytes() + gathered_ + texts_ +
         streams_.size() * sizeof(Tracked);
}

void Connection::sync_once(Sender from, Sync how) {
  if (!std::exchange(synced_[at(from)], true)) sink_.synced(from, how);
}

void Connection::unread(Sender from, std::uint64_t pos, std::size_t count) {
  sink_.unread(from, pos, count);
}

void Connection::plain(Sender from, std::uint64_t pos, std::string_view raw) {
  sink_.plain(from, pos, raw);
}

void Connection::preface(Sender from) {
  if (client_ && *client_ != from) ++counters_.violations;
  client_ = from;
  sync_once(from, Sync::kStart);
}

void Connection::found(Sender from) { sync_once(from, Sync::kGuess); }

void Connection::frame(Sender from, const FrameHeader& header) {
  ++counters_.frames;
  const auto& most = max_frame_[at(from)];
  if (most && header.length > *most) ++counters_.frames_oversized;
  sync_once(from, side(from).sync());
}

void Connection::count(const HeaderList& list) {
  counters_.fields_dropped += list.dropped;
  for (const auto& field : list.fields)
    counters_.fields_unknown += field.name_known && field.value_known ? 0 : 1;
}

void Connection::block(Sender from, std::uint32_t id, bool end_stream, const HeaderBlock& block) {
  count(block.list);
  auto* tracked = open(id, true);
  if (tracked == nullptr || tracked->stream.ended[at(from)]) {
    ++counters_.frames_stray;
    return;
  }
  const bool later = tracked->headed[at(from)] || (!whole_ && end_stream);
  learn(*tracked, from, block.list);
  tracked->headed[at(from)] = true;
  if (later && !has_pseudo(block.list)) {
    sink_.trailers(tracked->stream, from, block);
  } else {
    sink_.headers(tracked->stream, from, block);
  }
  if (end_stream) end(*tracked, from);
}

void Connection::promise(Sender from, std::uint32_t id, const HeaderBlock& block) {
  count(block.list);
  auto* tracked = open(id, true);
  if (tracked == nullptr) {
    ++counters_.frames_stray;
    return;
  }
  // As if the other side had sent it: a whole request, without a body (8.4).
  learn(*tracked, other(from), block.list);
  tracked->headed[at(other(from))] = true;
  tracked->stream.ended[at(other(from))] = true;
  sink_.headers(tracked->stream, from, block);
}

void Connection::block_lost(Sender from, std::uint32_t id, bool end_stream,
                            std::string_view reason) {
  ++counters_.blocks_lost;
  auto* tracked = open(id, true);
  if (tracked == nullptr || tracked->stream.ended[at(from)]) {
    ++counters_.frames_stray;
    return;
  }
  tracked->headed[at(from)] = true;
  sink_.headers_unknown(tracked->stream, from, reason);
  if (end_stream) end(*tracked, from);
}

// Where a message begins is not known when the headers were not seen. It is taken to be at the
// beginning of a frame that has just the length that its first bytes say: that may be the inside of
// a message, so what is read so is a guess. False: not yet.
bool Connection::find_message(Tracked& tracked, Sender from, std::uint64_t pos,
                              std::string_view& bytes, std::uint64_t left, bool begins) {
  auto& front = *tracked.fronts[at(from)];
  if (begins) front = {pos, left, {}};
  if (front.size == 0) return false;
  const auto n = std::min(bytes.size(), grpc::kPrefix - front.bytes.size());
  front.bytes += bytes.substr(0, n);
  bytes.remove_prefix(n);
  if (front.bytes.size() < grpc::kPrefix) return false;
  std::uint64_t length = 0;
  for (const char c : front.bytes.substr(1)) length = length << 8 | static_cast<unsigned char>(c);
  if (front.bytes[0] == '\0' && grpc::kPrefix + length == front.size) return true;
  front = {};
  return false;
}

// What it may gather in all. Other readers may hold more than there is room for: the fronts of
// messages that are skipped, and places.
std::size_t Connection::room_of(const grpc::Reader& reader) const {
  return options_.gathered - std::min(options_.gathered, gathered_ - reader.held_bytes());
}

void Connection::data(Sender from, std::uint32_t id, std::uint64_t pos, std::string_view bytes,
                      std::uint64_t left, bool begins) {
  auto* tracked = open(id, false);
  if (tracked == nullptr || tracked->stream.ended[at(from)]) return;
  if (!carries_grpc(*tracked, from)) return sink_.body(tracked->stream, from, pos, bytes);
  const auto encoding = tracked->stream.encoding[at(from)];
  auto& front = tracked->fronts[at(from)];
  if (!std::exchange(tracked->headed[at(from)], true)) {
    front = Front{};
    read(*tracked, from, [](auto& reader, auto& teller) { reader.lose(teller); });
  }
  if (front) {
    const auto end = pos + bytes.size();
    if (!find_message(*tracked, from, pos, bytes, left, begins)) return;
    const auto found = std::move(*front);
    front.reset();
    pos = end - bytes.size();
    read(*tracked, from, [&](auto& reader, auto& teller) {
      const auto most = room_of(reader);
      reader = grpc::Reader(options_.message);
      reader.feed(found.pos, found.bytes, encoding, most, teller);
    });
    if (bytes.empty()) return;
  }
  read(*tracked, from, [&](auto& reader, auto& teller) {
    reader.feed(pos, bytes, encoding, room_of(reader), teller);
  });
}

void Connection::data_hole(Sender from, std::uint32_t id, std::uint64_t count) {
  counters_.data_unseen += count;
  auto* tracked = open(id, false);
  if (tracked == nullptr || tracked->stream.ended[at(from)]) return;
  if (!carries_grpc(*tracked, from)) return sink_.body_hole(tracked->stream, from, count);
  auto& front = tracked->fronts[at(from)];
  if (!std::exchange(tracked->headed[at(from)], true)) {
    front = Front{};
    read(*tracked, from, [](auto& reader, auto& teller) { reader.lose(teller); });
  }
  if (front) {
    *front = {};
    return;
  }
  read(*tracked, from, [&](auto& reader, auto& teller) { reader.hole(count, teller); });
}

void Connection::data_lost(Sender from, std::uint32_t id) {
  auto* tracked = open(id, false);
  if (tracked == nullptr || tracked->stream.ended[at(from)]) return;
  if (!carries_grpc(*tracked, from)) return sink_.body_hole(tracked->stream, from, 0);
  tracked->headed[at(from)] = true;
  read(*tracked, from, [](auto& reader, auto& teller) { reader.lose(teller); });
}

void Connection::data_end(Sender from, std::uint32_t id, bool end_stream) {
  auto* tracked = find(id);
  if (tracked == nullptr || tracked->stream.ended[at(from)]) {
    ++counters_.frames_stray;
  } else if (end_stream) {
    end(*tracked, from);
  }
}

void Connection::setting(Sender from, std::uint16_t id, std::uint32_t value) {
  if (id == kHeaderTableSize) side(other(from)).hpack().allow(value);
  auto& most = max_frame_[at(other(from))];
  if (id == kMaxFrameSize && most) most = std::max(*most, value);
}

void Connection::control_lost(Sender from, Type type) {
  ++counters_.control_lost;
  if (type != Type::kSettings) return;
  side(other(from)).hpack().allow_any();
  max_frame_[at(other(from))].reset();
}

void Connection::reset(Sender from, std::uint32_t id, std::uint32_t code) {
  auto* tracked = find(id);
  if (tracked == nullptr) return;  // it ended: some servers reset it then
  for (const auto side : {Sender::kConnector, Sender::kAcceptor})
    read(*tracked, side, [](auto& reader, auto& teller) { reader.end(teller); });
  sink_.reset(tracked->stream, from, code);
  erase(id);
}

void Connection::go_away(Sender from, std::uint32_t last_stream, std::uint32_t code) {
  sink_.go_away(from, last_stream, code);
}

void Connection::violation(Sender, std::string_view) { ++counters_.violations; }

void Connection::broken(Sender from, std::string_view reason) {
  side_lost(from);
  sink_.broken(from, reason);
}

}  // namespace kilnwatch::protocol::http2
