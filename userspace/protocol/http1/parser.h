// Passive incremental HTTP/1.x parser of one direction (RFC 9112). Bodies are streamed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kilnwatch::protocol {

inline constexpr std::size_t kHeadLimit = 1 << 20;  // net/http DefaultMaxHeaderBytes

struct Head {
  std::string first, second, third;  // request: method, target, version; response: version, code
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
  std::string_view field(std::string_view name) const;
};

class MessageSink {
 public:
  virtual ~MessageSink() = default;
  virtual bool head(Head head) = 0;  // false: this message has no body
  // One whole line of a head, a chunk size or a trailer, line end included, at its place in the
  // stream.
  virtual void line(std::uint64_t pos, std::string_view raw) = 0;
  virtual void body(std::uint64_t pos, std::string_view bytes) = 0;
  virtual void end() = 0;
};

class Parser {
 public:
  Parser(bool response, MessageSink& sink) : response_(response), sink_(sink) {}
  // `pos` is the place of the first byte in the stream; gaps and skips were told before.
  void feed(std::uint64_t pos, std::string_view bytes);
  void skip(std::uint64_t count);  // inside a body: counted; elsewhere framing is lost
  void lose();                     // framing unknown until resync()
  bool lost() const { return state_ == State::kLost; }
  bool in_message() const { return state_ != State::kHead && state_ != State::kLost; }
  void resync();        // the next byte begins a head
  void resync_chunk();  // the next byte begins a chunk size
  // Where the first byte stands that no callback has told of yet.
  std::uint64_t untold(std::uint64_t next) const { return raw_.empty() ? next : line_pos_; }

 private:
  enum class State { kHead, kLength, kChunkSize, kChunk, kChunkEnd, kTrailer, kRaw, kLost };
  void take_line(const std::string& line);
  void finish_head();

  bool response_;
  MessageSink& sink_;
  State state_ = State::kHead;
  std::uint64_t left_ = 0;
  std::string raw_;  // of the line that is being gathered
  std::uint64_t line_pos_ = 0;
  Head head_;
  std::size_t head_size_ = 0;
};

}  // namespace kilnwatch::protocol
