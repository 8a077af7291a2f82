// Frame boundaries of one direction of an HTTP/2 connection (RFC 9113 section 4), also through
// bytes that were not seen.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace kilnwatch::protocol::http2 {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  // 3.4
inline constexpr std::size_t kFrameHeader = 9;
inline constexpr std::uint32_t kMaxFrame = 16384;  // 6.5.2: until a peer says otherwise
// To find frames again this many headers, each where the one before it says, must make sense.
// Chance brings forth one such chain in 2^60 places; who writes the bytes can forge one.
inline constexpr unsigned kChain = 3;

enum class Type : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kReset = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};

inline constexpr std::uint8_t kEndStream = 0x1;  // DATA, HEADERS
inline constexpr std::uint8_t kAck = 0x1;        // SETTINGS, PING
inline constexpr std::uint8_t kEndHeaders = 0x4;
inline constexpr std::uint8_t kPadded = 0x8;
inline constexpr std::uint8_t kPriorityFlag = 0x20;

struct FrameHeader {
  std::uint32_t length = 0;  // of the payload
  Type type = Type::kData;   // may be none of the names above: 5.5, to be passed over
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;  // 31 bits

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

// How the frames of a direction were found.
enum class Sync : std::uint8_t {
  kStart,  // from the first byte on
  kMark,   // resync(): the kernel's framing said so
  kGuess,  // by a chain of headers: who writes the bytes can forge it
};

class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // The client's connection preface, whole.
  virtual void preface(std::uint64_t pos) = 0;
  virtual void found() = 0;  // frames were found in a connection that was met midway
  virtual void frame(const FrameHeader& header, std::uint64_t pos, std::string_view raw) = 0;
  // The payload of the last frame, in pieces.
  virtual void payload(std::uint64_t pos, std::string_view bytes) = 0;
  virtual void payload_hole(std::uint64_t count) = 0;
  virtual void frame_end() = 0;
  // A frame that makes a peer close the connection. It is passed over: no other callback tells of
  // it.
  virtual void violation(const FrameHeader& header, std::string_view reason) = 0;
  // Lost: nothing is told until a resync, or until frames are found again where they were before.
  virtual void broken(std::string_view reason) = 0;
};

class FrameParser {
 public:
  FrameParser(bool midway, FrameSink& sink)
      : sink_(sink), state_(midway ? State::kSearch : State::kStart) {}
  // `pos` is the place of the first byte in the stream; holes were told before. `call_start`: it is
  // the first one of a socket call; only there frames are looked for.
  void feed(std::uint64_t pos, std::string_view bytes, bool call_start);
  // `count` bytes were not seen, whether left in the kernel or lost. Within a payload framing
  // holds; else broken() is called.
  void hole(std::uint64_t count);
  void lose();    // framing unknown until a resync
  void resync();  // the next byte begins a frame header
  bool lost() const { return state_ == State::kSearch || state_ == State::kLost; }
  Sync sync() const { return sync_; }
  // Where the first byte stands that no callback has told of yet.
  std::uint64_t untold(std::uint64_t next) const { return held_.empty() ? next : held_pos_; }
  std::size_t held_bytes() const {
    return held_.capacity() + starts_.size() * sizeof(starts_.front());
  }

 private:
  enum class State : std::uint8_t { kStart, kGreeting, kHeader, kPayload, kSearch, kLost };
  void gather(std::uint64_t& pos, std::string_view& bytes, std::size_t most);
  void take_preface();
  void take_header();
  void begin(const FrameHeader& header, std::string_view raw);
  void payload_done(std::uint64_t count);
  void search(std::uint64_t pos, std::string_view bytes, bool call_start);
  void fail(std::string_view reason);

  FrameSink& sink_;
  State state_;
  Sync sync_ = Sync::kStart;
  bool first_ = true;  // SETTINGS must come now
  bool passed_over_ = false;
  std::uint64_t left_ = 0;  // of the payload
  std::string held_;        // a header or a preface; what is searched
  std::uint64_t held_pos_ = 0;
  std::deque<std::uint64_t> starts_;  // kSearch: where in held_ socket calls begin
};

}  // namespace kilnwatch::protocol::http2
