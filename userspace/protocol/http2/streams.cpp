// The streams of a Connection: which there are, what is known of them, when they end.
#include <algorithm>

#include "protocol/http2/connection.h"
#include "protocol/http2/teller.h"

namespace kilnwatch::protocol::http2 {
namespace {

std::size_t text_size(const Stream& stream) {
  std::size_t size = 0;
  for (const auto* text : {&stream.method, &stream.path, &stream.authority, &stream.status,
                           &stream.grpc_status, &stream.grpc_message, &stream.content_type[0],
                           &stream.content_type[1], &stream.encoding[0], &stream.encoding[1]})
    size += text->size();
  return size;
}

void take(const HeaderList& list, std::string_view name, std::string& text) {
  if (const auto value = list.field(name); !value.empty()) text = value.substr(0, kTextKept);
}

// What is said twice counts as it was said first: a second list of the client can change nothing.
void take_once(const HeaderList& list, std::string_view name, std::string& text) {
  if (text.empty()) take(list, name, text);
}

bool names(const HeaderList& list, std::string_view name) {
  return std::any_of(list.fields.begin(), list.fields.end(),
                     [name](const Field& f) { return f.name_known && f.name == name; });
}

}  // namespace

Connection::Tracked* Connection::find(std::uint32_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return nullptr;
  found->second.used = ++tick_;
  return &found->second;
}

// The stream of that number, also a new one. Null: it is over or never began. begins: by a frame
// that may open a stream.
Connection::Tracked* Connection::open(std::uint32_t id, bool begins) {
  if (auto* known = find(id)) return known;
  auto& highest = highest_[id % 2];
  if (whole_ && (!begins || id <= highest)) return nullptr;
  if (streams_.size() >= options_.streams) drop_idle();
  highest = std::max(highest, id);
  auto& tracked = streams_[id];
  tracked.stream.id = id;
  tracked.stream.midway = !whole_;
  tracked.stream.client = client_;
  tracked.readers.fill(grpc::Reader(options_.message));
  tracked.used = ++tick_;
  return &tracked;
}

void Connection::drop_idle() {
  const auto idle =
      std::min_element(streams_.begin(), streams_.end(),
                       [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
  if (idle == streams_.end()) return;
  ++counters_.streams_dropped;
  sink_.dropped(idle->second.stream);
  erase(idle->first);
}

void Connection::erase(std::uint32_t id) {
  const auto found = streams_.find(id);
  for (const auto& reader : found->second.readers) gathered_ -= reader.held_bytes();
  texts_ -= text_size(found->second.stream);
  streams_.erase(found);
}

void Connection::learn(Tracked& tracked, Sender from, const HeaderList& list) {
  auto& stream = tracked.stream;
  const auto before = text_size(stream);
  const bool asks = names(list, ":method") || names(list, ":path");
  if (asks || names(list, ":status")) {
    const auto client = asks ? from : other(from);
    if (!client_) client_ = client;
    if (!stream.client) stream.client = client;
  }
  if (asks) {
    stream.midway = false;
    take_once(list, ":method", stream.method);
    take_once(list, ":path", stream.path);
    take_once(list, ":authority", stream.authority);
  } else if (stream.client != from) {
    take(list, ":status", stream.status);
    take(list, "grpc-status", stream.grpc_status);
    take(list, "grpc-message", stream.grpc_message);
  }
  take_once(list, "content-type", stream.content_type[at(from)]);
  take_once(list, "grpc-encoding", stream.encoding[at(from)]);
  texts_ = texts_ - before + text_size(stream);
}

bool Connection::carries_grpc(const Tracked& tracked, Sender from) const {
  const auto& own = tracked.stream.type_of(from);
  const auto& type = own.empty() ? tracked.stream.type_of(other(from)) : own;
  return type.empty() ? options_.grpc : type.starts_with("application/grpc");
}

void Connection::end(Tracked& tracked, Sender from) {
  read(tracked, from, [](auto& reader, auto& teller) { reader.end(teller); });
  auto& stream = tracked.stream;
  stream.ended[at(from)] = true;
  sink_.end(stream, from);
  // The end of the client may have come before the sensor.
  const bool answered = stream.midway && stream.client != from;
  if (answered || (stream.ended[0] && stream.ended[1])) erase(stream.id);
}

// What the other side was told, and what streams sent, may have been in the bytes that are lost.
void Connection::side_lost(Sender from) {
  ++counters_.sides_lost;
  whole_ = false;
  synced_[at(from)] = false;
  side(other(from)).hpack().allow_any();
  max_frame_[at(other(from))].reset();
  for (auto& [id, tracked] : streams_) {
    if (!tracked.headed[at(from)] || tracked.stream.ended[at(from)]) continue;
    if (carries_grpc(tracked, from)) {
      read(tracked, from, [](auto& reader, auto& teller) { reader.lose(teller); });
    } else {
      sink_.body_hole(tracked.stream, from, 0);
    }
  }
}

}  // namespace kilnwatch::protocol::http2
