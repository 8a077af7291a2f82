// A gRPC connection of an engine, call by call. What is asked and answered goes to whoever knows
// the service; what may be recorded of the framing around it is vouched for here.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/conversation.h"
#include "protocol/http2/connection.h"
#include "protocol/piece.h"

namespace kilnwatch::engine {

inline protocol::http2::Sender sender_of(domain::Direction direction) {
  using protocol::http2::Sender;
  return direction == domain::Direction::kRequest ? Sender::kConnector : Sender::kAcceptor;
}
inline domain::Direction direction_of(protocol::http2::Sender sender) {
  return sender == protocol::http2::Sender::kConnector ? domain::Direction::kRequest
                                                       : domain::Direction::kResponse;
}

class GrpcCalls : public Conversation, protected protocol::http2::ConnectionSink {
 public:
  struct Beginning {
    std::array<std::uint64_t, 2> pos{};  // where HTTP/2 begins, by domain::Direction
    bool midway = false;                 // or where it was met
    // Who asks: on a session of docker's it is the engine.
    protocol::http2::Sender client = protocol::http2::Sender::kConnector;
  };
  explicit GrpcCalls(const Beginning& beginning);

  void data(const domain::Chunk& chunk, Output& out) override;
  void skip(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
            Output& out) override;
  void gap(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
           Output& out) override;
  void close(domain::TimeNs time, Output& out) override;
  std::uint64_t settled(domain::Direction direction) const override;
  std::size_t held_bytes() const override { return connection_.held_bytes(); }

 protected:
  using Stream = protocol::http2::Stream;
  using Sender = protocol::http2::Sender;
  using Pieces = std::vector<protocol::Piece>;
  struct Text {  // a message, or the front of one
    std::string_view bytes;
    std::uint64_t length = 0;
    bool whole = true;
    bool packed = false;  // compressed: what stood on the wire is not `bytes`
    Pieces pieces = {};   // of `bytes`
  };

  // The headers of who asks, as often as they come.
  virtual void called(const Stream& stream, const protocol::http2::HeaderList& list) = 0;
  virtual void said(const Stream& stream, Sender from, const Text& text) = 0;

  void synced(Sender, protocol::http2::Sync) override {}
  void go_away(Sender, std::uint32_t, std::uint32_t) override {}

  // Engines serve what a path means, not how it is written (net/url; grpc-go takes URL.Path).
  static std::string path_of(const Stream& stream);
  void vouch(domain::Direction direction, const Text& text, std::string_view masked);

  // Of the call at work.
  domain::TimeNs now_ = 0;
  Output* out_ = nullptr;
  std::array<std::uint64_t, 2> next_;  // place behind the last byte, by domain::Direction
  bool closing_ = false;

 private:
  void begin(domain::TimeNs time, Output& out);
  void hole(domain::Direction direction, domain::TimeNs time, std::uint64_t count, Output& out);
  void take(const Stream& stream, Sender from, Text text, const Pieces& pieces);
  void vouch(Sender from, const protocol::http2::HeaderBlock& block);

  void plain(Sender from, std::uint64_t pos, std::string_view raw) final;
  void unread(Sender from, std::uint64_t pos, std::size_t count) final;
  void headers(const Stream& stream, Sender from, const protocol::http2::HeaderBlock& block) final;
  void trailers(const Stream& stream, Sender from, const protocol::http2::HeaderBlock& block) final;
  void message(const Stream& stream, Sender from, const protocol::grpc::Message& message) final;
  void message_skipped(const Stream& stream, Sender from,
                       const protocol::grpc::Skipped& skipped) final;
  void body(const Stream&, Sender, std::uint64_t, std::string_view) final {}
  void body_hole(const Stream&, Sender, std::uint64_t) final {}

  protocol::http2::Connection connection_;
};

}  // namespace kilnwatch::engine
