// A conversation with buildkitd itself: HTTP/2 from its first byte on.
#pragma once

#include <cstdint>

#include "engine/buildkit/grpc_conversation.h"

namespace kilnwatch::engine::buildkit {

class DaemonConversation final : public Conversation {
 public:
  explicit DaemonConversation(const domain::ConnOpened& opened)
      : grpc_({.conn = opened.conn,
               .next_number = &number_,
               .pos = {},
               .midway = opened.midway,
               .session = {},
               .engine = opened.engine}) {}

  void data(const domain::Chunk& chunk, Output& out) override { grpc_.data(chunk, out); }
  void skip(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
            Output& out) override {
    grpc_.skip(direction, time, count, out);
  }
  void gap(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
           Output& out) override {
    grpc_.gap(direction, time, count, out);
  }
  void close(domain::TimeNs time, Output& out) override { grpc_.close(time, out); }
  std::uint64_t settled(domain::Direction direction) const override {
    return grpc_.settled(direction);
  }
  std::size_t held_bytes() const override { return grpc_.held_bytes(); }

 private:
  std::uint32_t number_ = 0;
  GrpcConversation grpc_;
};

}  // namespace kilnwatch::engine::buildkit
