// What is said to and by BuildKit over gRPC (buildkit: control/control.go): the builds that are
// asked for, how they go, how they end.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/buildkit/file_sync.h"
#include "engine/buildkit/status.h"
#include "engine/buildkit/step_secrets.h"
#include "engine/conversation.h"
#include "protocol/http2/connection.h"

namespace kilnwatch::engine::buildkit {

inline constexpr std::size_t kMaxSolves = 64;    // of one connection that are remembered
inline constexpr std::size_t kMaxWatches = 256;  // streams that ask for the status of a build
inline constexpr std::size_t kMaxSyncs = 16;     // of a session: folders with a Dockerfile

inline protocol::http2::Sender sender_of(domain::Direction direction) {
  using protocol::http2::Sender;
  return direction == domain::Direction::kRequest ? Sender::kConnector : Sender::kAcceptor;
}
inline domain::Direction direction_of(protocol::http2::Sender sender) {
  return sender == protocol::http2::Sender::kConnector ? domain::Direction::kRequest
                                                       : domain::Direction::kResponse;
}

class GrpcConversation final : public Conversation, private protocol::http2::ConnectionSink {
 public:
  struct Start {
    domain::ConnId conn = 0;
    std::uint32_t* next_number = nullptr;  // of the next call of this connection
    std::array<std::uint64_t, 2> pos{};    // where HTTP/2 begins, by domain::Direction
    bool midway = false;                   // or where it was met
    std::string session;                   // of the client that serves it; the engine asks
  };
  explicit GrpcConversation(const Start& start);

  void data(const domain::Chunk& chunk, Output& out) override;
  void skip(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
            Output& out) override;
  void gap(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
           Output& out) override;
  void close(domain::TimeNs time, Output& out) override;
  std::uint64_t settled(domain::Direction direction) const override;
  std::size_t held_bytes() const override;

 private:
  using Stream = protocol::http2::Stream;
  using Sender = protocol::http2::Sender;
  using Pieces = std::vector<protocol::Piece>;
  enum class Method : std::uint8_t { kOther, kUnknown, kSolve, kStatus, kBridge };
  struct Build {
    domain::CallId call;
    std::string ref;
    std::uint32_t stream = 0;  // of Solve; 0: not seen
    StepSecrets secrets;
    StatusReader status;
    // Of one that says it builds nothing; told once something shows that it does.
    std::optional<domain::BuildRequested> held = {};
    bool over = false;
    bool told = false;  // that facts of it were lost
  };

  void plain(Sender from, std::uint64_t pos, std::string_view raw) override;
  void synced(Sender from, protocol::http2::Sync) override {
    synced_ = synced_ || from == Sender::kConnector;
  }
  void headers(const Stream& stream, Sender from,
               const protocol::http2::HeaderBlock& block) override;
  void trailers(const Stream& stream, Sender from,
                const protocol::http2::HeaderBlock& block) override;
  void headers_unknown(const Stream& stream, Sender from, std::string_view reason) override;
  void message(const Stream& stream, Sender from, const protocol::grpc::Message& message) override;
  void message_skipped(const Stream& stream, Sender from,
                       const protocol::grpc::Skipped& skipped) override;
  void body(const Stream&, Sender, std::uint64_t, std::string_view) override {}
  void body_hole(const Stream&, Sender, std::uint64_t) override {}
  void end(const Stream& stream, Sender from) override;
  void reset(const Stream& stream, Sender from, std::uint32_t code) override;
  void dropped(const Stream& stream) override;
  void go_away(Sender, std::uint32_t, std::uint32_t) override {}
  void broken(Sender from, std::string_view reason) override;

  struct Text {  // a message, or the front of one
    std::string_view bytes;
    std::uint64_t length = 0;
    bool whole = true;
    bool packed = false;  // compressed: what stood on the wire is not `bytes`
    Pieces pieces = {};   // of `bytes`
  };
  void begin(domain::TimeNs time, Output& out);
  Method method_of(const Stream& stream, std::string_view message);
  void take(const Stream& stream, Sender from, Text text, const Pieces& pieces);
  void asked(const Stream& stream, const Text& text);
  void solved(const Stream& stream, const Text& text);
  void watched(const Stream& stream, const Text& text);
  void unwatch(std::uint32_t stream);
  void told(const Stream& stream, const Text& text);
  void bridged(const Text& text);
  void synced(const Stream& stream, Sender from, const Text& text);
  bool engine_asks() const { return !start_.session.empty(); }
  void vouch(domain::Direction direction, const Text& text, std::string_view masked);
  void vouch(Sender from, const protocol::http2::HeaderBlock& block);
  Build& add(domain::BuildRequested request, bool builds);
  void announce(Build& build);
  Build* build_of(std::uint32_t stream);
  Build* build_called(const std::string& ref);
  void finish(Build& build, domain::BuildStatus status);
  void blind(std::string_view reason, std::optional<domain::CallId> build = std::nullopt);
  void lose(Build& build, std::string_view reason);

  Start start_;
  domain::TimeNs now_ = 0;
  Output* out_ = nullptr;
  std::array<std::uint64_t, 2> next_;
  bool closing_ = false;
  bool synced_ = false;  // the client's side was found
  bool missed_ = false;  // that it was not is told
  std::deque<Build> builds_;
  std::map<std::uint32_t, std::string> watches_;  // stream of Status → ref
  std::map<std::uint32_t, FileSync> syncs_;       // of a session, by stream
  std::map<std::uint32_t, Method> guessed_;       // streams whose path is not known
  std::string user_agent_;                        // the last one that a client named
  protocol::http2::Connection connection_;
};

}  // namespace kilnwatch::engine::buildkit
