// The Dockerfile out of a session: BuildKit asks the client for it file by file (buildkit:
// session/filesync; tonistiigi/fsutil send.go, receive.go).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/api_fact.h"
#include "engine/gathered.h"
#include "protocol/piece.h"

namespace kilnwatch::engine::buildkit {

inline constexpr std::size_t kMaxSyncNames =
    64;  // entries told: a Dockerfile's own folder is filtered
inline constexpr std::size_t kMaxSyncFile = 1 << 20;  // bytes of one file (design §6: Dockerfile)
inline constexpr std::size_t kMaxSyncPieces =
    4096;  // stretches of the conversation that it stands in

// One DiffCopy stream.
class FileSync {
 public:
  struct Packet {
    std::string_view bytes;
    const std::vector<protocol::Piece>& pieces;
    bool whole = true;
  };
  // What the client sent. A Dockerfile once it is whole; its call is not set.
  std::optional<domain::DockerfileSeen> sent(const Packet& packet, domain::TimeNs time,
                                             domain::Direction direction,
                                             std::vector<SafeRange>& safe);
  // What BuildKit asked for.
  static void asked(const Packet& packet, domain::Direction direction,
                    std::vector<SafeRange>& safe);
  // Where the first byte stands that may still be vouched for.
  std::optional<std::uint64_t> first_pos() const {
    return text_.empty() ? std::nullopt : std::optional(text_.first_pos());
  }
  std::size_t held_bytes() const;

 private:
  void take_data(const Packet& packet, std::size_t at, std::size_t size);
  void drop();

  std::uint32_t entries_ = 0;
  std::map<std::uint32_t, std::string> names_;  // of the files that may be a Dockerfile
  std::optional<std::uint32_t> file_;           // that is being sent
  Gathered text_;
  bool broken_ = false;  // bytes of that file were not seen
};

}  // namespace kilnwatch::engine::buildkit
