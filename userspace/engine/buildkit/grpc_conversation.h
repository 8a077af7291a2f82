// What is said to and by BuildKit over gRPC (buildkit: control/control.go): the builds that are
// asked for, how they go, how they end.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/buildkit/file_sync.h"
#include "engine/buildkit/status.h"
#include "engine/buildkit/step_secrets.h"
#include "engine/grpc_calls.h"

namespace kilnwatch::engine::buildkit {

inline constexpr std::size_t kMaxSolves = 64;    // of one connection that are remembered
inline constexpr std::size_t kMaxWatches = 256;  // streams that ask for the status of a build
inline constexpr std::size_t kMaxSyncs = 16;     // of a session: folders with a Dockerfile
inline constexpr std::size_t kMaxTunnels = 16;   // sessions within one connection, at once

class Tunnel;

class GrpcConversation final : public GrpcCalls {
 public:
  struct Start {
    domain::ConnId conn = 0;
    std::uint32_t* next_number = nullptr;  // of the next call of this connection
    std::array<std::uint64_t, 2> pos{};    // where HTTP/2 begins, by domain::Direction
    bool midway = false;                   // or where it was met
    std::string session;                   // of the client that serves it; the engine asks
    domain::EngineKind engine = domain::EngineKind::kDocker;
    // Beside gRPC the engine serves its other API on this connection.
    bool other_api = false;
  };
  explicit GrpcConversation(const Start& start);
  ~GrpcConversation() override;

  void data(const domain::Chunk& chunk, Output& out) override;
  void close(domain::TimeNs time, Output& out) override;
  std::uint64_t settled(domain::Direction direction) const override;
  std::size_t held_bytes() const override;

 private:
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

  void synced(Sender from, protocol::http2::Sync) override {
    synced_ = synced_ || from == Sender::kConnector;
    answers_ = answers_ || from == Sender::kAcceptor;
  }
  void called(const Stream& stream, const protocol::http2::HeaderList& list) override;
  void headers_unknown(const Stream& stream, Sender from, std::string_view reason) override;
  void said(const Stream& stream, Sender from, const Text& text) override;
  void end(const Stream& stream, Sender from) override;
  void reset(const Stream& stream, Sender from, std::uint32_t code) override;
  void dropped(const Stream& stream) override;
  void broken(Sender from, std::string_view reason) override;

  Method method_of(const Stream& stream, std::string_view message);
  void asked(const Stream& stream, const Text& text);
  void solved(const Stream& stream, const Text& text);
  void watched(const Stream& stream, const Text& text);
  void unwatch(std::uint32_t stream);
  void told(const Stream& stream, const Text& text);
  void bridged(const Stream& stream, const Text& text);
  void synced(const Stream& stream, Sender from, const Text& text);
  void open_session(std::uint32_t stream, std::string_view name);
  void carried(std::uint32_t stream, Sender from, const Text& text);
  void end_session(std::uint32_t stream);
  bool engine_asks() const { return !start_.session.empty(); }
  Build& add(domain::BuildRequested request, bool builds);
  void announce(Build& build);
  Build* build_of(std::uint32_t stream);
  Build* build_called(const std::string& ref);
  void finish(Build& build, domain::BuildStatus status);
  void blind(std::string_view reason, std::optional<domain::CallId> build = std::nullopt);
  void lose(Build& build, std::string_view reason);

  Start start_;
  bool synced_ = false;   // the client's side was found
  bool answers_ = false;  // the server's was
  bool missed_ = false;   // that it was not is told
  std::deque<Build> builds_;
  std::map<std::uint32_t, std::string> watches_;              // stream of Status → ref
  std::map<std::uint32_t, FileSync> syncs_;                   // of a session, by stream
  std::map<std::uint32_t, std::unique_ptr<Tunnel>> tunnels_;  // by stream of Session
  std::map<std::uint32_t, std::string> bridges_;              // stream of the bridge → ref
  std::map<std::uint32_t, Method> guessed_;                   // streams whose path is not known
  std::string user_agent_;                                    // the last one that a client named
};

}  // namespace kilnwatch::engine::buildkit
