// gRPC messages of one direction of one stream, out of the DATA that carries them: a byte that says
// whether it is compressed, a length of 32 bits, the message (gRPC over HTTP/2,
// PROTOCOL-HTTP2.md, "Length-Prefixed-Message").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/piece.h"

namespace kilnwatch::protocol::grpc {

inline constexpr std::size_t kPrefix = 5;
// containerd and BuildKit take messages up to this size (defaults.DefaultMaxRecvMsgSize): a lower
// limit would be a place to hide in.
inline constexpr std::size_t kMessageLimit = std::size_t{16} << 20;
// What is kept of a message that cannot be given whole.
inline constexpr std::size_t kFrontKept = 4096;
// A message of kMessageLimit in DATA frames of 16 KiB has 1,024.
inline constexpr std::size_t kPieceLimit = 4096;

struct Message {
  std::string_view bytes;  // unpacked
  bool compressed = false;
  // Where the prefix and the message stand in the stream, in order. Empty: in more than kPieceLimit
  // pieces.
  const std::vector<Piece>& pieces;
};

enum class Reason : std::uint8_t {
  kTooLarge,     // than the limit, as sent or unpacked
  kNoRoom,       // all that is being gathered is too much
  kHole,         // bytes of it were not seen
  kCompression,  // another one than gzip
  kDamaged,      // no gzip though it says so
  kCut,          // the stream ended within it
  kUnframed,     // where messages begin is not known any more; nothing more comes
};

// Told as soon as it is known and the front is there, not when the message ends.
struct Skipped {
  Reason reason = Reason::kHole;
  std::uint64_t length = 0;  // as its prefix says; kUnframed: 0
  std::string_view front;    // what was seen of it, as sent, up to kFrontKept
  bool compressed = false;
  const std::vector<Piece>& pieces;  // of the prefix and the front
};

class MessageSink {
 public:
  virtual ~MessageSink() = default;
  virtual void message(const Message& message) = 0;
  virtual void skipped(const Skipped& skipped) = 0;
};

class Reader {
 public:
  // `unframed`: bytes before the first ones were not seen.
  explicit Reader(std::size_t limit = kMessageLimit, bool unframed = false)
      : limit_(limit), lost_(unframed) {}
  // `encoding`: of the header grpc-encoding, empty when it is not known. `most`: bytes of a message
  // that may be gathered, those that are held now among them.
  void feed(std::uint64_t pos, std::string_view bytes, std::string_view encoding, std::size_t most,
            MessageSink& sink);
  void hole(std::uint64_t count, MessageSink& sink);
  void end(MessageSink& sink);   // of the stream
  void lose(MessageSink& sink);  // bytes were lost, how many is not known
  std::size_t held_bytes() const {
    return prefix_.size() + body_.size() + pieces_.size() * sizeof(Piece);
  }
  // Where the first byte stands that no callback has told of yet.
  std::optional<std::uint64_t> first_pos() const {
    return prefix_.empty() || told_ ? std::nullopt : std::optional(first_pos_);
  }

 private:
  void take_prefix(std::uint64_t& pos, std::string_view& bytes, std::size_t most,
                   MessageSink& sink);
  void take_body(std::uint64_t& pos, std::string_view& bytes, std::size_t most, MessageSink& sink);
  void note(std::uint64_t pos, std::size_t size);
  void cut_to_front();
  void skip(Reason reason, MessageSink& sink);
  void finish(std::string_view encoding, MessageSink& sink);
  void deliver(std::string_view encoding, MessageSink& sink);
  void tell_skipped(Reason reason, MessageSink& sink);
  void clear();

  std::size_t limit_;
  bool lost_;
  std::string prefix_;
  std::uint64_t length_ = 0;
  std::uint64_t left_ = 0;
  std::optional<Reason> skipping_;  // told as soon as the front is there
  bool told_ = false;
  std::string body_;
  std::vector<Piece> pieces_;
  bool placed_ = true;  // pieces_ has them all
  std::uint64_t first_pos_ = 0;
};

}  // namespace kilnwatch::protocol::grpc
