// Passive incremental HTTP/1.x parser of one direction (RFC 9112). Bodies are streamed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/http1/head.h"

namespace kilnwatch::protocol {

// net/http reads DefaultMaxHeaderBytes and 4096 bytes more before it answers 431: a lower limit
// would be a place to hide in.
inline constexpr std::size_t kHeadLimit = (1 << 20) + 4096;
inline constexpr std::size_t kChunkLineLimit = 4096;  // net/http maxLineLength
// Of the fields of one head this much is kept; beyond it only those that frame the message.
inline constexpr std::size_t kFieldsKept = 65536;

enum class Line : std::uint8_t {
  kStart,  // request or status line
  kField,  // of a head or a trailer
  kFold,   // goes on with the field before it
  kChunkSize,
  kEmpty,
};

enum class Body : std::uint8_t {
  kFramed,  // as the head says
  kNone,    // an answer to HEAD
  kTunnel,  // no HTTP from here on
};

class MessageSink {
 public:
  virtual ~MessageSink() = default;
  // One whole line that was understood, line end included, at its place in the stream.
  virtual void line(Line kind, std::uint64_t pos, std::string_view raw) = 0;
  virtual Body head(Head head) = 0;
  virtual void body(std::uint64_t pos, std::string_view bytes) = 0;
  virtual void end() = 0;
  // The parser is lost: what follows cannot be told apart until a resync.
  virtual void broken(std::string_view reason) = 0;
};

class Parser {
 public:
  Parser(bool response, MessageSink& sink) : response_(response), sink_(sink) {}
  // `pos` is the place of the first byte in the stream; holes were told before. Returns how many
  // bytes were read: all of them, unless the sink paused.
  std::size_t feed(std::uint64_t pos, std::string_view bytes);
  void pause() { paused_ = true; }  // from end(): feed() reads no further
  // `count` bytes were not seen, whether left in the kernel or lost. Within a body (and the line
  // end after a chunk) framing holds; else broken() is called.
  void hole(std::uint64_t count);
  // The same of bytes that are known to be of the body, up to its last chunk at most, and after
  // which no other byte of it comes: of a chunked one what comes next stands behind that chunk.
  void skip_body(std::uint64_t count);
  void finish();  // the stream is over: ends a body that lasts until then
  void lose();    // framing unknown until a resync
  void tunnel();  // no HTTP from here on
  bool lost() const { return state_ == State::kLost; }
  bool tunnelled() const { return state_ == State::kTunnel; }
  bool in_body() const {
    return state_ == State::kLength || state_ == State::kChunk || state_ == State::kUntilClose;
  }
  bool between() const { return state_ == State::kHead && raw_.empty() && head_.first.empty(); }
  bool at_chunk_size() const { return state_ == State::kChunkSize && raw_.empty(); }
  // First line of a head, as far as it is there; empty anywhere else.
  std::string_view start_so_far() const {
    return state_ == State::kHead && head_.first.empty() ? std::string_view(raw_)
                                                         : std::string_view();
  }
  void resync();        // the next byte begins a head
  void resync_chunk();  // the next byte begins a chunk size
  // Where the first byte stands that no callback has told of yet.
  std::uint64_t untold(std::uint64_t next) const { return raw_.empty() ? next : line_pos_; }
  // Memory of the line and the head that are being gathered.
  std::size_t held_bytes() const {
    return raw_.capacity() + head_.first.capacity() + head_.second.capacity() +
           head_.third.capacity() + head_.fields.capacity() * sizeof(head_.fields[0]) + kept_;
  }

 private:
  enum class State : std::uint8_t {
    kHead,
    kLength,
    kChunkSize,
    kChunk,
    kChunkEnd,
    kTrailer,
    kUntilClose,
    kTunnel,
    kLost
  };
  void feed_line(std::uint64_t& pos, std::string_view& bytes);
  void take_line(std::string_view raw, std::string_view line);
  void take_field(std::string_view line);
  void finish_head();
  void body_done(std::uint64_t count);
  void fail(std::string_view reason);

  bool response_;
  MessageSink& sink_;
  State state_ = State::kHead;
  std::uint64_t left_ = 0;
  std::string raw_;  // of the line that is being gathered
  std::uint64_t line_pos_ = 0;
  Head head_;
  std::size_t head_size_ = 0;
  std::size_t kept_ = 0;
  bool paused_ = false;
  bool keeping_ = false;  // the last field is in head_
};

}  // namespace kilnwatch::protocol
