// What of a gRPC conversation may be recorded.
#include <algorithm>
#include <array>

#include "base/secrets.h"
#include "engine/gathered.h"
#include "engine/grpc_calls.h"

namespace kilnwatch::engine {
namespace {

using domain::Direction;
using protocol::http2::Sender;

// What a conversation is read by, and what is known to hold nothing of anybody's. All else may: the
// details of a status are what BuildKit worked on, arguments included.
constexpr std::array<std::string_view, 18> kKeptFields = {":method",
                                                          ":scheme",
                                                          ":path",
                                                          ":authority",
                                                          ":status",
                                                          "content-type",
                                                          "user-agent",
                                                          "te",
                                                          "grpc-encoding",
                                                          "grpc-accept-encoding",
                                                          "grpc-status",
                                                          "grpc-timeout",
                                                          "traceparent",
                                                          "dir-name",
                                                          "buildkit-controlapi-buildid",
                                                          "x-docker-expose-session-uuid",
                                                          "containerd-namespace",
                                                          "followpaths"};

bool is_kept(const protocol::http2::Field& field) {
  return field.name_known &&
         std::find(kKeptFields.begin(), kKeptFields.end(), field.name) != kKeptFields.end() &&
         base::mask_text_same_length(field.value) == field.value;
}

}  // namespace

void GrpcCalls::plain(Sender from, std::uint64_t pos, std::string_view raw) {
  out_->safe.push_back({direction_of(from), pos, std::string(raw)});
}

void GrpcCalls::unread(Sender from, std::uint64_t pos, std::size_t count) {
  out_->safe.push_back({direction_of(from), pos, std::string(count, '*')});
}

// Of a compressed one nothing can be masked in its place.
void GrpcCalls::vouch(Direction direction, const Text& text, std::string_view masked) {
  if (!text.packed) engine::vouch(direction, text.pieces, masked, out_->safe);
}

void GrpcCalls::vouch(Sender from, const protocol::http2::HeaderBlock& block) {
  std::string coded(block.coded);
  for (const auto& field : block.list.fields) {
    if (field.value_size > 0 && !is_kept(field)) protocol::http2::mask_value(coded, field);
  }
  // Fields beyond what is kept are not judged.
  if (block.list.dropped == 0 && block.list.error.empty())
    engine::vouch(direction_of(from), block.pieces, coded, out_->safe);
}

}  // namespace kilnwatch::engine
