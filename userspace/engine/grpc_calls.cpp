#include "engine/grpc_calls.h"

#include <utility>

#include "engine/gathered.h"
#include "protocol/url/url.h"

namespace kilnwatch::engine {
namespace {

protocol::http2::Options options_of(const GrpcCalls::Beginning& beginning) {
  protocol::http2::Options options;
  options.midway = beginning.midway;
  options.client = beginning.client;
  options.grpc = true;
  return options;
}

}  // namespace

GrpcCalls::GrpcCalls(const Beginning& beginning)
    : next_(beginning.pos), connection_(options_of(beginning), *this) {}

void GrpcCalls::begin(domain::TimeNs time, Output& out) {
  now_ = time;
  out_ = &out;
}

void GrpcCalls::data(const domain::Chunk& chunk, Output& out) {
  begin(chunk.time, out);
  next_[static_cast<std::size_t>(chunk.direction)] = chunk.pos + chunk.bytes.size();
  const auto from = sender_of(chunk.direction);
  if (chunk.at_head && connection_.lost(from)) connection_.resync(from);
  connection_.feed(from, chunk.pos, chunk.bytes, chunk.call_start);
}

void GrpcCalls::hole(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
                     Output& out) {
  begin(time, out);
  next_[static_cast<std::size_t>(direction)] += count;
  connection_.hole(sender_of(direction), count);
}

void GrpcCalls::skip(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
                     Output& out) {
  hole(direction, time, count, out);
}

void GrpcCalls::gap(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
                    Output& out) {
  hole(direction, time, count, out);
}

void GrpcCalls::close(domain::TimeNs time, Output& out) {
  begin(time, out);
  closing_ = true;
  connection_.close();
}

std::uint64_t GrpcCalls::settled(domain::Direction direction) const {
  return connection_.untold(sender_of(direction), next_[static_cast<std::size_t>(direction)]);
}

std::string GrpcCalls::path_of(const Stream& stream) {
  const auto target = protocol::parse_target(stream.path);
  return target ? target->path : stream.path;
}

void GrpcCalls::headers(const Stream& stream, Sender from,
                        const protocol::http2::HeaderBlock& block) {
  vouch(from, block);
  if (stream.client == from) called(stream, block.list);
}

void GrpcCalls::trailers(const Stream&, Sender from, const protocol::http2::HeaderBlock& block) {
  vouch(from, block);
}

void GrpcCalls::message(const Stream& stream, Sender from, const protocol::grpc::Message& message) {
  take(stream, from, {message.bytes, message.bytes.size(), true, message.compressed},
       message.pieces);
}

void GrpcCalls::message_skipped(const Stream& stream, Sender from,
                                const protocol::grpc::Skipped& skipped) {
  const bool packed = skipped.compressed;
  take(stream, from, {packed ? std::string_view() : skipped.front, skipped.length, false, packed},
       skipped.pieces);
}

// The prefix that says how long a message is holds nothing of anybody's, and whoever reads the
// stream needs each.
void GrpcCalls::take(const Stream& stream, Sender from, Text text, const Pieces& pieces) {
  std::string prefix(1, text.packed ? '\1' : '\0');
  for (int shift : {24, 16, 8, 0}) prefix += static_cast<char>(text.length >> shift);
  engine::vouch(direction_of(from), pieces, prefix, out_->safe);
  text.pieces = stretch(pieces, protocol::grpc::kPrefix, text.bytes.size());
  said(stream, from, text);
}

}  // namespace kilnwatch::engine
