// Both directions of an HTTP/2 connection (RFC 9113), seen by a third party: streams, and the gRPC
// messages in them. Which side is the client is found by who sends the preface; on docker's
// /session it is the one that accepted the socket.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/grpc/reader.h"
#include "protocol/http2/side.h"

namespace kilnwatch::protocol::http2 {

// Go's servers take 250 streams at a time (http2 defaultMaxStreams), gRPC's any number.
inline constexpr std::size_t kStreams = 1024;
// Of all messages of a connection that are being gathered, in bytes.
inline constexpr std::size_t kGathered = std::size_t{32} << 20;
// Of each text that a Stream keeps; headers() has all of it.
inline constexpr std::size_t kTextKept = 1024;

struct Options {
  bool midway = false;                // the connection was met after its beginning
  std::optional<Sender> client = {};  // where it is known; else it is found
  bool grpc = false;                  // streams whose content type is not known carry gRPC
  std::size_t streams = kStreams;
  std::size_t message = grpc::kMessageLimit;
  std::size_t gathered = kGathered;
};

struct Stream {
  std::uint32_t id = 0;
  std::optional<Sender> client;  // who asks; none: not known
  bool midway = false;           // its beginning was not seen
  // Of headers and trailers; empty: not sent (yet), or not known.
  std::string method, path, authority, status, grpc_status, grpc_message;
  std::array<std::string, 2> content_type, encoding;  // by sender; grpc-encoding
  std::array<bool, 2> ended{};                        // by sender: END_STREAM was seen

  const std::string& type_of(Sender sender) const {
    return content_type[static_cast<std::size_t>(sender)];
  }
};

// Everything that was not seen, not understood or not kept is in one of these.
struct Counters {
  std::uint64_t frames = 0;
  std::uint64_t frames_oversized = 0;  // above what the receiver allowed; read all the same
  std::uint64_t violations = 0;        // for which a receiver must close the connection
  std::uint64_t blocks_lost = 0;       // header blocks
  std::uint64_t fields_unknown = 0;    // header fields of which name or value is not known
  std::uint64_t fields_dropped = 0;    // beyond kFieldsKept
  std::uint64_t data_unseen = 0;       // bytes of DATA, left in the kernel or lost
  std::uint64_t frames_stray = 0;      // of streams that ended, or never began
  std::uint64_t streams_dropped = 0;   // beyond Options::streams
  std::uint64_t messages = 0;
  std::uint64_t messages_skipped = 0;
  std::uint64_t control_lost = 0;  // SETTINGS, GOAWAY, RST_STREAM of which bytes are missing
  std::uint64_t sides_lost = 0;    // times that framing was lost
};

// A `Stream` is only valid within the call. Views are, too.
class ConnectionSink {
 public:
  virtual ~ConnectionSink() = default;
  virtual void plain(Sender from, std::uint64_t pos, std::string_view raw) = 0;  // as SideSink
  virtual void unread(Sender, std::uint64_t /*pos*/, std::size_t /*count*/) {}
  virtual void synced(Sender from, Sync how) = 0;  // the preface or first frame, or found again
  virtual void headers(const Stream& stream, Sender from, const HeaderBlock& block) = 0;
  virtual void trailers(const Stream& stream, Sender from, const HeaderBlock& block) = 0;
  // A header block of that stream was not seen or cannot be read.
  virtual void headers_unknown(const Stream& stream, Sender from, std::string_view reason) = 0;
  virtual void message(const Stream& stream, Sender from, const grpc::Message& message) = 0;
  virtual void message_skipped(const Stream& stream, Sender from, const grpc::Skipped& skipped) = 0;
  // DATA of a stream that is no gRPC. A hole of 0 bytes: how many is not known.
  virtual void body(const Stream& stream, Sender from, std::uint64_t pos,
                    std::string_view bytes) = 0;
  virtual void body_hole(const Stream& stream, Sender from, std::uint64_t count) = 0;
  virtual void end(const Stream& stream, Sender from) = 0;  // END_STREAM
  virtual void reset(const Stream& stream, Sender from, std::uint32_t code) = 0;
  virtual void dropped(const Stream& stream) = 0;  // not followed any more: too many streams
  virtual void go_away(Sender from, std::uint32_t last_stream, std::uint32_t code) = 0;
  // That direction is lost until a resync; streams go on in the other one.
  virtual void broken(Sender from, std::string_view reason) = 0;
};

class Connection final : private SideSink {
 public:
  Connection(const Options& options, ConnectionSink& sink);
  // As FrameParser. Calls of both directions come in the order of time.
  void feed(Sender from, std::uint64_t pos, std::string_view bytes, bool call_start) {
    side(from).feed(pos, bytes, call_start);
  }
  void hole(Sender from, std::uint64_t count) { side(from).hole(count); }
  void lose(Sender from);
  // Of a direction that is lost: the next byte begins a frame, says the kernel's framing.
  void resync(Sender from);
  void close();  // the connection is over: what is unfinished is told as such
  bool lost(Sender from) const { return sides_[at(from)].lost(); }
  std::optional<Sender> client() const { return client_; }
  const Counters& counters() const { return counters_; }
  std::size_t streams() const { return streams_.size(); }
  // Where the first byte of that direction stands that no callback has told of yet, nor will pass
  // over.
  std::uint64_t untold(Sender from, std::uint64_t next) const;
  std::size_t held_bytes() const;

 private:
  // Of a frame that may hold one message and nothing else: most writers make such.
  struct Front {
    std::uint64_t pos = 0;
    std::uint64_t size = 0;  // of the frame's data; 0: not at its beginning
    std::string bytes;
  };
  struct Tracked {
    Stream stream;
    std::array<grpc::Reader, 2> readers;
    // By sender: its headers were there, so its data begins with a message.
    std::array<bool, 2> headed{};
    std::array<std::optional<Front>, 2> fronts;  // where none were: until a message is found
    std::uint64_t used = 0;
  };
  struct Teller;

  static std::size_t at(Sender sender) { return static_cast<std::size_t>(sender); }
  Side& side(Sender sender) { return sides_[at(sender)]; }
  void sync_once(Sender from, Sync how);

  // connection.cpp
  void plain(Sender from, std::uint64_t pos, std::string_view raw) override;
  void unread(Sender from, std::uint64_t pos, std::size_t count) override;
  void preface(Sender from) override;
  void found(Sender from) override;
  void frame(Sender from, const FrameHeader& header) override;
  void count(const HeaderList& list);
  void block(Sender from, std::uint32_t id, bool end_stream, const HeaderBlock& block) override;
  void promise(Sender from, std::uint32_t id, const HeaderBlock& block) override;
  void block_lost(Sender from, std::uint32_t id, bool end_stream, std::string_view reason) override;
  std::size_t room_of(const grpc::Reader& reader) const;
  void data(Sender from, std::uint32_t id, std::uint64_t pos, std::string_view bytes,
            std::uint64_t left, bool begins) override;
  bool find_message(Tracked& tracked, Sender from, std::uint64_t pos, std::string_view& bytes,
                    std::uint64_t left, bool begins);
  void data_hole(Sender from, std::uint32_t id, std::uint64_t count) override;
  void data_lost(Sender from, std::uint32_t id) override;
  void data_end(Sender from, std::uint32_t id, bool end_stream) override;
  void setting(Sender from, std::uint16_t id, std::uint32_t value) override;
  void control_lost(Sender from, Type type) override;
  void reset(Sender from, std::uint32_t id, std::uint32_t code) override;
  void go_away(Sender from, std::uint32_t last_stream, std::uint32_t code) override;
  void violation(Sender from, std::string_view reason) override;
  void broken(Sender from, std::string_view reason) override;

  // streams.cpp
  Tracked* find(std::uint32_t id);
  Tracked* open(std::uint32_t id, bool begins);
  void drop_idle();
  void erase(std::uint32_t id);
  void learn(Tracked& tracked, Sender from, const HeaderList& list);
  bool carries_grpc(const Tracked& tracked, Sender from) const;
  void end(Tracked& tracked, Sender from);
  void side_lost(Sender from);
  // Runs `call` on the reader of that direction, with the sink to tell what it finds.
  template <class Call>
  void read(Tracked& tracked, Sender from, Call call);

  Options options_;
  ConnectionSink& sink_;
  std::array<Side, 2> sides_;
  std::array<bool, 2> synced_{};
  std::array<std::optional<std::uint32_t>, 2> max_frame_;  // what the other side allows it
  std::optional<Sender> client_;
  bool whole_;  // nothing was missed so far: streams that are not known do not exist
  std::map<std::uint32_t, Tracked> streams_;
  std::array<std::uint32_t, 2> highest_{};  // stream so far, even and odd
  std::size_t gathered_ = 0;                // by all readers
  std::size_t texts_ = 0;                   // of all streams
  std::uint64_t tick_ = 0;
  Counters counters_;
};

}  // namespace kilnwatch::protocol::http2
