// Sessions of clients: on a connection of their own, or within one.
#include <utility>

#include "engine/buildkit/grpc_conversation.h"
#include "engine/buildkit/solve.h"
#include "engine/buildkit/tunnel.h"

namespace kilnwatch::engine::buildkit {

void GrpcConversation::synced(const Stream& stream, Sender from, const Text& text) {
  const auto sync = syncs_.find(stream.id);
  if (sync == syncs_.end() || text.packed) return;
  const FileSync::Packet packet{text.bytes, text.pieces, text.whole};
  const auto direction = direction_of(from);
  if (from == Sender::kAcceptor) return FileSync::asked(packet, direction, out_->safe);
  auto dockerfile = sync->second.sent(packet, now_, direction, out_->safe);
  if (!dockerfile) return;
  out_->facts.emplace_back(domain::ContextFetched{
      now_, start_.conn, domain::session_url(start_.session), {}, std::move(*dockerfile)});
}

void GrpcConversation::open_session(std::uint32_t stream, std::string_view name) {
  if (tunnels_.contains(stream)) return;
  Start start;
  start.conn = start_.conn;
  start.next_number = start_.next_number;
  start.session = name.empty() ? "unnamed" : name_of(name);
  start.engine = start_.engine;
  if (!name.empty())
    out_->facts.emplace_back(domain::SessionOpened{now_, start_.conn, start.session});
  if (tunnels_.size() >= kMaxTunnels) return blind("more sessions at once than are followed");
  tunnels_.emplace(stream, std::make_unique<Tunnel>(start));
}

void GrpcConversation::carried(std::uint32_t stream, Sender from, const Text& text) {
  const Tunnel::Message message{text.bytes, text.pieces, text.length, text.whole};
  auto& tunnel = *tunnels_.at(stream);
  if (text.packed || !tunnel.said(direction_of(from), message, now_, *out_)) end_session(stream);
}

void GrpcConversation::end_session(std::uint32_t stream) {
  const auto tunnel = tunnels_.find(stream);
  if (tunnel == tunnels_.end()) return;
  tunnel->second->close(now_, *out_);
  tunnels_.erase(tunnel);
}

}  // namespace kilnwatch::engine::buildkit
