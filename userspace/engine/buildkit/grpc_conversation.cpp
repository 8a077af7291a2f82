#include "engine/buildkit/grpc_conversation.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/secrets.h"
#include "engine/buildkit/solve.h"
#include "engine/buildkit/tunnel.h"

namespace kilnwatch::engine::buildkit {
namespace {

using domain::BuildStatus;
using domain::Direction;
using protocol::http2::Sender;

constexpr std::string_view kSolve = "/moby.buildkit.v1.Control/Solve";
constexpr std::string_view kStatus = "/moby.buildkit.v1.Control/Status";
constexpr std::string_view kBridge = "/moby.buildkit.v1.frontend.LLBBridge/Solve";
// The client's session, where it has no connection of its own.
constexpr std::string_view kSession = "/moby.buildkit.v1.Control/Session";
constexpr std::string_view kSessionName = "x-docker-expose-session-uuid";
// A session's: "dir-name" says which of the client's folders (session/filesync).
constexpr std::string_view kDiffCopy = "/moby.filesync.v1.FileSync/DiffCopy";
constexpr std::string_view kFolder = "dir-name", kDockerfile = "dockerfile";
// The build that a call of the bridge is for; without it BuildKit serves none
// (control/gateway/gateway.go: lookupForwarder).
constexpr std::string_view kBuildId = "buildkit-controlapi-buildid";
// SETTINGS with every value that Go's server sends, its acknowledgement, a window.
constexpr std::uint64_t kUnasked = 256;
// In the place of a build's reference that was told before the connection was met.
const std::string kUnheard = "?";
constexpr std::string_view kTooMany = "more calls at once on a connection than are followed";
// Bytes of a request that builds nothing: buildx's own has 58, a question its build arguments.
constexpr std::uint64_t kLongestQuestion = 4096;
constexpr std::size_t kMaxAgent = 512;  // bytes of a client's name kept

// identity.NewID: 25 letters and digits. A SolveRequest and a StatusRequest both begin with one.
constexpr std::string_view kRefLead("\x0a\x19", 2);
constexpr std::size_t kRefSize = 25;

bool is_ref(std::string_view text) {
  return text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz") == text.npos;
}

GrpcCalls::Beginning beginning_of(const GrpcConversation::Start& start) {
  return {start.pos, start.midway, start.session.empty() ? Sender::kConnector : Sender::kAcceptor};
}

}  // namespace

GrpcConversation::GrpcConversation(const Start& start)
    : GrpcCalls(beginning_of(start)), start_(start) {}

GrpcConversation::~GrpcConversation() = default;

void GrpcConversation::data(const domain::Chunk& chunk, Output& out) {
  GrpcCalls::data(chunk, out);
  // More than what a server says by itself, and nothing of its client.
  const bool answered = next_[1] > start_.pos[1] + kUnasked;
  if (answered && !synced_ && !engine_asks() && !std::exchange(missed_, true))
    blind("what BuildKit was asked for on a connection is not seen");
}

void GrpcConversation::close(domain::TimeNs time, Output& out) {
  GrpcCalls::close(time, out);
  while (!tunnels_.empty()) end_session(tunnels_.begin()->first);
  syncs_.clear();
  for (auto& build : builds_)
    finish(build, build.stream == 0 ? BuildStatus::kUnknown : BuildStatus::kCancelled);
}

std::uint64_t GrpcConversation::settled(Direction direction) const {
  auto place = GrpcCalls::settled(direction);
  for (const auto& [stream, tunnel] : tunnels_)
    place = std::min(place, tunnel->first_pos(direction).value_or(place));
  if (direction == Direction::kRequest) {
    for (const auto& [stream, sync] : syncs_)
      place = std::min(place, sync.first_pos().value_or(place));
  }
  return place;
}

std::size_t GrpcConversation::held_bytes() const {
  std::size_t sum = GrpcCalls::held_bytes() + builds_.size() * sizeof(Build) + user_agent_.size() +
                    watches_.size() * (sizeof(std::string) + kRefSize) +
                    guessed_.size() * sizeof(std::uint64_t) +
                    bridges_.size() * (sizeof(std::string) + kRefSize);
  for (const auto& build : builds_)
    sum += build.ref.capacity() + build.secrets.held_bytes() + build.status.held_bytes();
  for (const auto& [stream, sync] : syncs_) sum += sizeof(sync) + sync.held_bytes();
  for (const auto& [stream, tunnel] : tunnels_) sum += tunnel->held_bytes();
  return sum;
}

void GrpcConversation::called(const Stream& stream, const protocol::http2::HeaderList& list) {
  if (engine_asks() && path_of(stream) == kDiffCopy && list.field(kFolder) == kDockerfile &&
      syncs_.size() < kMaxSyncs)
    syncs_.try_emplace(stream.id);
  if (!engine_asks() && path_of(stream) == kSession)
    open_session(stream.id, list.field(kSessionName));
  if (start_.other_api && stream.method != "GET" && stream.method != "HEAD" &&
      !stream.type_of(Sender::kConnector).starts_with("application/grpc"))
    blind("a request over HTTP/2 that is no gRPC is not read");
  if (const auto ref = list.field(kBuildId);
      !ref.empty() && path_of(stream) == kBridge && bridges_.size() < kMaxWatches)
    bridges_.emplace(stream.id, name_of(ref));
  if (const auto agent = list.field("user-agent"); !agent.empty())
    user_agent_ = base::mask_text(agent.substr(0, kMaxAgent));
}

void GrpcConversation::headers_unknown(const Stream& stream, Sender, std::string_view reason) {
  if (auto* build = build_of(stream.id); build != nullptr) lose(*build, reason);
}

// Of a call whose path is not known its first message tells.
GrpcConversation::Method GrpcConversation::method_of(const Stream& stream,
                                                     std::string_view message) {
  const auto path = path_of(stream);
  if (path == kSolve) return Method::kSolve;
  if (path == kStatus) return Method::kStatus;
  if (path == kBridge) return Method::kBridge;
  if (!stream.path.empty()) return Method::kOther;
  if (const auto known = guessed_.find(stream.id); known != guessed_.end()) return known->second;
  auto method = Method::kUnknown;
  if (message.starts_with(kRefLead) && message.size() >= kRefLead.size() + kRefSize &&
      is_ref(message.substr(kRefLead.size(), kRefSize)))
    method = message.size() == kRefLead.size() + kRefSize ? Method::kStatus : Method::kSolve;
  if (guessed_.size() < kMaxWatches) guessed_.emplace(stream.id, method);
  return method;
}

void GrpcConversation::said(const Stream& stream, Sender from, const Text& text) {
  if (engine_asks()) return synced(stream, from, text);
  if (tunnels_.contains(stream.id)) return carried(stream.id, from, text);
  const bool client = from == Sender::kConnector;
  // What an answer says by itself is no sign of what was asked.
  auto method = client || !stream.path.empty() || guessed_.contains(stream.id)
                    ? method_of(stream, text.bytes)
                    : Method::kUnknown;
  // But how a build goes is told long after it was asked for.
  if (!client && start_.midway && method == Method::kUnknown && stream.path.empty() &&
      watches_.size() < kMaxWatches && is_status(text.bytes)) {
    method = guessed_[stream.id] = Method::kStatus;
    watches_[stream.id] = kUnheard + std::to_string(stream.id);
  }
  if (method == Method::kSolve) return client ? asked(stream, text) : solved(stream, text);
  if (method == Method::kStatus) return client ? watched(stream, text) : told(stream, text);
  if (method == Method::kBridge && client) bridged(stream, text);
}

void GrpcConversation::asked(const Stream& stream, const Text& text) {
  const auto masked = masked_solve(text.bytes);
  vouch(Direction::kRequest, text, masked);
  auto solve = read_solve(text.bytes, text.whole);
  if (build_of(stream.id) != nullptr) return;
  auto& request = solve.request;
  request.method = "POST";
  request.path = kSolve;
  request.user_agent = user_agent_;
  auto& build =
      add(std::move(request), solve.builds || (!text.whole && text.length > kLongestQuestion));
  build.stream = stream.id;
  if (build.held && text.whole)
    out_->facts.emplace_back(domain::SessionIdle{now_, start_.conn, build.held->session});
  if (text.whole) {
    build.secrets.know(std::move(solve.secrets));
  } else {
    lose(build, "a request for a build was not seen to its end");
  }
}

void GrpcConversation::solved(const Stream& stream, const Text& text) {
  const auto masked = masked_solved(text.bytes);
  vouch(Direction::kResponse, text, masked);
  auto* build = build_of(stream.id);
  if (build == nullptr || build->held) return;
  auto answer = read_solved(masked);
  for (auto& tag : answer.tags)
    out_->facts.emplace_back(domain::BuildTagAnnounced{now_, build->call, std::move(tag)});
  for (auto& id : answer.ids)
    out_->facts.emplace_back(domain::BuildImageAnnounced{now_, build->call, std::move(id), false});
}

void GrpcConversation::watched(const Stream& stream, const Text& text) {
  auto ref = read_status_request(text.bytes);
  if (ref.empty() || !text.whole) return;
  vouch(Direction::kRequest, text, base::mask_text_same_length(text.bytes));
  if (watches_.size() >= kMaxWatches) unwatch(watches_.begin()->first);
  watches_[stream.id] = std::move(ref);
}

// How its build goes is not read any more.
void GrpcConversation::unwatch(std::uint32_t stream) {
  const auto watch = watches_.find(stream);
  if (watch == watches_.end()) return;
  if (auto* build = build_called(watch->second); build != nullptr && !build->over)
    lose(*build, kTooMany);
  watches_.erase(watch);
}

void GrpcConversation::told(const Stream& stream, const Text& text) {
  const auto watch = watches_.find(stream.id);
  if (watch == watches_.end()) return;
  auto* build = build_called(watch->second);
  if (build == nullptr) {
    domain::BuildRequested request;
    request.buildkit = request.midway = true;
    if (!watch->second.starts_with(kUnheard)) request.build_ref = watch->second;
    build = &add(std::move(request), true);
    build->ref = watch->second;
    lose(*build, "the build began before its conversation was met");
  }
  auto masked = masked_status(text.bytes, build->secrets);
  vouch(Direction::kResponse, text, masked);
  std::vector<domain::ApiFact> facts;
  const bool whole = build->status.read(masked, text.whole, now_, build->call, facts);
  const bool runs = std::any_of(facts.begin(), facts.end(), [](const domain::ApiFact& fact) {
    const auto* vertex = std::get_if<domain::VertexSeen>(&fact);
    return vertex != nullptr && vertex->kind == domain::VertexKind::kRun;
  });
  if (runs) announce(*build);
  if (build->held) return;
  std::move(facts.begin(), facts.end(), std::back_inserter(out_->facts));
  if (!whole) lose(*build, "a message of BuildKit could not be read to its end");
}

void GrpcConversation::bridged(const Stream& stream, const Text& text) {
  vouch(Direction::kRequest, text, masked_bridge(text.bytes));
  if (text.whole && !bridge_builds(text.bytes)) return;
  if (const auto ref = bridges_.find(stream.id); ref != bridges_.end()) {
    auto* build = build_called(ref->second);
    if (build == nullptr) return blind("a frontend asked for a build whose request was not seen");
    if (!build->over) announce(*build);
    return;
  }
  for (auto& build : builds_) {
    if (!build.over) lose(build, "which build a call of a frontend is for was not seen");
  }
}

void GrpcConversation::announce(Build& build) {
  if (!build.held) return;
  build.held->time = now_;
  out_->facts.emplace_back(std::move(*build.held));
  build.held.reset();
}

void GrpcConversation::end(const Stream& stream, Sender from) {
  // Both have said all that they say of a folder.
  if (engine_asks() && stream.ended[0] && stream.ended[1]) syncs_.erase(stream.id);
  if (stream.ended[0] && stream.ended[1]) end_session(stream.id);
  if (from != Sender::kAcceptor) return;
  auto* build = build_of(stream.id);
  if (build != nullptr && !closing_) {
    if (stream.grpc_status == "0") {
      finish(*build, BuildStatus::kSucceeded);
    } else if (!stream.grpc_status.empty()) {
      finish(*build, BuildStatus::kFailed);
    } else {
      lose(*build, "the end of a build was not seen");
      finish(*build, BuildStatus::kUnknown);
    }
  }
  if (const auto watch = watches_.find(stream.id); watch != watches_.end()) {
    // Status ends with its build; of one that was asked for elsewhere there is no other end.
    auto* watched = build_called(watch->second);
    if (watched != nullptr && watched->stream == 0) finish(*watched, BuildStatus::kUnknown);
    watches_.erase(watch);
  }
  guessed_.erase(stream.id);
  bridges_.erase(stream.id);
}

void GrpcConversation::reset(const Stream& stream, Sender from, std::uint32_t) {
  if (auto* build = build_of(stream.id); build != nullptr)
    finish(*build, from == Sender::kConnector ? BuildStatus::kCancelled : BuildStatus::kFailed);
  end_session(stream.id);
  watches_.erase(stream.id);
  syncs_.erase(stream.id);
  guessed_.erase(stream.id);
  bridges_.erase(stream.id);
}

void GrpcConversation::dropped(const Stream& stream) {
  if (auto* build = build_of(stream.id); build != nullptr) {
    lose(*build, kTooMany);
    finish(*build, BuildStatus::kUnknown);
  }
  end_session(stream.id);
  unwatch(stream.id);
  syncs_.erase(stream.id);
  guessed_.erase(stream.id);
  bridges_.erase(stream.id);
}

void GrpcConversation::broken(Sender from, std::string_view reason) {
  if (engine_asks() || closing_) return;
  // An engine that knows no HTTP/2 answers the preface in HTTP/1, takes the rest of it for a
  // request that is none, and closes (net/http: Server).
  if (start_.other_api && from == Sender::kAcceptor && !answers_ && builds_.empty()) return;
  bool open = false;
  for (auto& build : builds_) {
    if (build.over) continue;
    lose(build, reason);
    open = true;
  }
  if (!open) blind(reason);
  // A build that is not seen may give any name to another image. What buildkitd makes has none
  // until a store takes it in.
  if (start_.engine == domain::EngineKind::kBuildkitd) return;
  out_->facts.emplace_back(domain::ImageMoved{now_, {start_.conn, 0}, {}, false, {}, false});
}

GrpcConversation::Build& GrpcConversation::add(domain::BuildRequested request, bool builds) {
  if (builds_.size() >= kMaxSolves) {
    auto oldest =
        std::find_if(builds_.begin(), builds_.end(), [](const Build& b) { return b.over; });
    if (oldest == builds_.end()) {
      oldest = builds_.begin();
      lose(*oldest, "more builds at once on a connection than are followed");
      finish(*oldest, BuildStatus::kUnknown);
    }
    builds_.erase(oldest);
  }
  request.time = now_;
  request.call = {start_.conn, (*start_.next_number)++};
  request.engine = start_.engine;
  Build build;
  build.call = request.call;
  build.ref = request.build_ref;
  build.held = std::move(request);
  builds_.push_back(std::move(build));
  if (builds) announce(builds_.back());
  return builds_.back();
}

GrpcConversation::Build* GrpcConversation::build_of(std::uint32_t stream) {
  for (auto& build : builds_) {
    if (build.stream == stream) return &build;
  }
  return nullptr;
}

GrpcConversation::Build* GrpcConversation::build_called(const std::string& ref) {
  for (auto build = builds_.rbegin(); build != builds_.rend(); ++build) {
    if (build->ref == ref) return &*build;
  }
  return nullptr;
}

void GrpcConversation::finish(Build& build, BuildStatus status) {
  if (std::exchange(build.over, true) || build.held) return;
  out_->facts.emplace_back(domain::BuildEnded{now_, build.call, status, 0, {}});
}

void GrpcConversation::blind(std::string_view reason, std::optional<domain::CallId> build) {
  out_->facts.emplace_back(
      domain::ConversationBlind{now_, start_.conn, std::string(reason), build});
}

void GrpcConversation::lose(Build& build, std::string_view reason) {
  if (std::exchange(build.told, true)) return;
  blind(reason, build.held ? std::nullopt : std::optional(build.call));
}

}  // namespace kilnwatch::engine::buildkit
