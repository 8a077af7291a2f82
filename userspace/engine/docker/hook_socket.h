// Sockets of an engine that are no API.
#pragma once

#include <string_view>

#include "engine/conversation.h"

namespace kilnwatch::engine::docker {

// "…/libnetwork/<id>.sock": runc's prestart hook hands dockerd the network namespace of every
// container that starts, as bare JSON (moby: libnetwork/sandbox_externalkey_unix.go). Only dockerd
// makes such a socket, in its exec root.
inline bool is_hook_socket(std::string_view path) {
  const auto name = path.rfind('/');
  return name != path.npos && path.substr(0, name).ends_with("/libnetwork") &&
         path.ends_with(".sock");
}

// Carries neither builds nor deployments: no fact, no byte that is recorded.
class NoConversation final : public Conversation {
 public:
  void data(const domain::Chunk& chunk, Output&) override {
    end(chunk.direction) = chunk.pos + chunk.bytes.size();
  }
  void skip(domain::Direction direction, domain::TimeNs, std::uint64_t count, Output&) override {
    end(direction) += count;
  }
  void gap(domain::Direction direction, domain::TimeNs, std::uint64_t count, Output&) override {
    end(direction) += count;
  }
  void close(domain::TimeNs, Output&) override {}
  std::uint64_t settled(domain::Direction direction) const override {
    return end_[static_cast<std::size_t>(direction)];
  }
  std::size_t held_bytes() const override { return 0; }

 private:
  std::uint64_t& end(domain::Direction direction) {
    return end_[static_cast<std::size_t>(direction)];
  }
  std::uint64_t end_[2] = {0, 0};
};

}  // namespace kilnwatch::engine::docker
