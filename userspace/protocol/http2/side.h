// One direction of an HTTP/2 connection: header lists, data and control out of its frames.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http2/frame.h"
#include "protocol/http2/hpack.h"
#include "protocol/piece.h"

namespace kilnwatch::protocol::http2 {

// Who wrote the bytes: the side that connected or the one that accepted the socket.
enum class Sender : std::uint8_t { kConnector, kAcceptor };

inline Sender other(Sender sender) {
  return sender == Sender::kConnector ? Sender::kAcceptor : Sender::kConnector;
}

// Bytes of one header block, as coded. dockerd's server refuses header lists above 1 MiB
// (http.DefaultMaxHeaderBytes); gRPC servers of Go take 16 MiB, of which no client of theirs makes
// use.
inline constexpr std::size_t kBlockLimit = std::size_t{1} << 20;
inline constexpr std::size_t kControlLimit = 16384;  // bytes kept of one SETTINGS frame

// A block in more frames than this is read, but not where its pieces stood.
inline constexpr std::size_t kBlockPieces = 4096;
// RST_STREAM whose code was not seen.
inline constexpr std::uint32_t kCodeUnseen = 0xffffffff;

struct HeaderBlock {
  HeaderList list;
  std::string_view coded;            // mask_value() of a copy hides a value
  const std::vector<Piece>& pieces;  // where `coded` stands in the stream, in order; or empty
};

class SideSink {
 public:
  virtual ~SideSink() = default;
  // Bytes of framing that hold nothing of anybody's: the preface, frame headers, what a reader of
  // the stream needs of padding, priority and control frames.
  virtual void plain(Sender from, std::uint64_t pos, std::string_view raw) = 0;
  // `count` bytes of control frames that nothing here reads: a sender's marks and numbers. A reader
  // of a recording looks for frames in a row, so something must stand in their place.
  virtual void unread(Sender from, std::uint64_t pos, std::size_t count) = 0;
  virtual void preface(Sender from) = 0;
  virtual void found(Sender from) = 0;
  virtual void frame(Sender from, const FrameHeader& header) = 0;
  virtual void block(Sender from, std::uint32_t stream, bool end_stream,
                     const HeaderBlock& block) = 0;
  // `stream` opens by a push of the sender; the block tells the request.
  virtual void promise(Sender from, std::uint32_t stream, const HeaderBlock& block) = 0;
  virtual void block_lost(Sender from, std::uint32_t stream, bool end_stream,
                          std::string_view reason) = 0;
  // `left`: of the frame's data, these among it; `begins`: they are its first.
  virtual void data(Sender from, std::uint32_t stream, std::uint64_t pos, std::string_view bytes,
                    std::uint64_t left, bool begins) = 0;
  virtual void data_hole(Sender from, std::uint32_t stream, std::uint64_t count) = 0;
  // A frame had data that was not seen, how much is not known.
  virtual void data_lost(Sender from, std::uint32_t stream) = 0;
  virtual void data_end(Sender from, std::uint32_t stream, bool end_stream) = 0;
  virtual void setting(Sender from, std::uint16_t id, std::uint32_t value) = 0;
  // Bytes of a frame that says something about the connection were not seen, or too many to keep.
  virtual void control_lost(Sender from, Type type) = 0;
  virtual void reset(Sender from, std::uint32_t stream, std::uint32_t code) = 0;
  virtual void go_away(Sender from, std::uint32_t last_stream, std::uint32_t code) = 0;
  virtual void violation(Sender from, std::string_view reason) = 0;
  virtual void broken(Sender from, std::string_view reason) = 0;
};

class Side final : private FrameSink {
 public:
  Side(Sender sender, bool midway, SideSink& sink)
      : sender_(sender), sink_(sink), hpack_(midway), frames_(midway, *this) {}
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  void feed(std::uint64_t pos, std::string_view bytes, bool call_start) {
    frames_.feed(pos, bytes, call_start);
  }
  void hole(std::uint64_t count) { frames_.hole(count); }
  // As FrameParser; a header block that is being read is given up.
  void lose();
  void resync();
  bool lost() const { return frames_.lost(); }
  Sync sync() const { return frames_.sync(); }
  HpackDecoder& hpack() { return hpack_; }
  std::uint64_t untold(std::uint64_t next) const;
  std::size_t held_bytes() const;

 private:
  void preface(std::uint64_t pos) override;
  void found() override { sink_.found(sender_); }
  void frame(const FrameHeader& header, std::uint64_t pos, std::string_view raw) override;
  void payload(std::uint64_t pos, std::string_view bytes) override;
  void payload_hole(std::uint64_t count) override;
  void frame_end() override;
  void violation(const FrameHeader& header, std::string_view reason) override;
  void broken(std::string_view reason) override;

  void data_bytes(std::uint64_t pos, std::string_view bytes);
  void begin_block();
  void add_to_block(std::string_view fragment, std::uint64_t pos);
  void end_block();
  void block_missing(std::string_view reason);
  void give_up_block(std::string_view reason);
  void control_end();

  Sender sender_;
  SideSink& sink_;
  HpackDecoder hpack_;
  FrameParser frames_;

  FrameHeader frame_;     // the current one
  std::string gathered_;  // the front of its payload, of types other than DATA
  std::uint64_t gathered_pos_ = 0;
  std::string_view cut_;         // why no more of it is gathered
  bool pad_unknown_ = false;     // DATA: the length of the padding is to come
  std::uint64_t data_left_ = 0;  // DATA: before the padding
  bool data_begins_ = false;     // nothing of the frame's data was told yet

  bool in_block_ = false;
  std::uint32_t block_stream_ = 0;
  std::uint32_t promised_ = 0;
  bool block_ends_stream_ = false;
  std::string_view missing_;  // why the block cannot be read
  std::string block_;
  std::uint64_t block_pos_ = 0;
  std::vector<Piece> pieces_;
};

}  // namespace kilnwatch::protocol::http2
