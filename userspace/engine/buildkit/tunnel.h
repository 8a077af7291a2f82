// A client's session where it has no connection of its own: HTTP/2 within the messages of a stream,
// BytesMessage{data=1} (buildkit: session/grpchijack, Control.Session). The engine is its client.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/buildkit/grpc_conversation.h"
#include "protocol/piece.h"

namespace kilnwatch::engine::buildkit {

class Tunnel {
 public:
  struct Message {
    std::string_view bytes;
    const std::vector<protocol::Piece>& pieces;  // of `bytes`
    std::uint64_t length = 0;                    // more than there are bytes: it is cut
    bool whole = true;
  };
  // `start`: as of a session on a connection of its own.
  explicit Tunnel(const GrpcConversation::Start& start) : inner_(start) {}

  // False: nothing more of it can be read.
  bool said(domain::Direction direction, const Message& message, domain::TimeNs time, Output& out);
  void close(domain::TimeNs time, Output& out);
  // Where the first byte stands that may still be vouched for.
  std::optional<std::uint64_t> first_pos(domain::Direction direction) const;
  std::size_t held_bytes() const;

 private:
  // Bytes of the session, and where they stand on the connection. What is not vouched for is zero
  // in a recording: a message with a hole would not be read there, nor what else it carries.
  struct Stretch {
    std::uint64_t at = 0;
    std::uint64_t pos = 0;
    std::string safe;
  };
  struct Side {
    std::uint64_t next = 0;
    std::deque<Stretch> open;  // not judged yet
    std::size_t held = 0;      // bytes of them
  };

  Side& side(domain::Direction direction) { return sides_[static_cast<std::size_t>(direction)]; }
  void take(const Output& heard);
  void settle(domain::Direction direction, std::uint64_t until, Output& out);
  void pass_on(Output& heard, bool over, Output& out);

  GrpcConversation inner_;
  std::array<Side, 2> sides_;
};

}  // namespace kilnwatch::engine::buildkit
