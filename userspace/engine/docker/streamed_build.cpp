#include "engine/docker/streamed_build.h"

#include <algorithm>

#include "base/secrets.h"
#include "base/text.h"

namespace kilnwatch::engine::docker {
namespace {

using domain::Direction;

// How each message of a step's output begins (moby: streamformatter; podman: BuildResponse); that
// of a load goes on.
constexpr std::string_view kOutput = R"({"stream":")";
constexpr std::string_view kLoaded = R"({"stream":"Loaded image)";
// What an import ends with (moby: daemon/images/image_import.go).
constexpr std::string_view kImported = R"({"status":"sha256:)";

}  // namespace

std::string media_type(std::string_view field) {
  auto type = base::lower(field.substr(0, field.find(';')));
  const auto from = type.find_first_not_of(" \t");
  if (from == type.npos) return {};
  return type.substr(from, type.find_last_not_of(" \t") - from + 1);
}

void StreamedBuild::begin(const protocol::Head& head, domain::CallId id, const Route& route,
                          const Scene& scene) {
  build_.time = scene.now;
  build_.call = id;
  build_.method = head.first;
  build_.path = base::mask_text(route.path);
  build_.api_version = route.version;
  build_.user_agent = base::mask_text(head.field("user-agent"));
  build_.browser = std::any_of(head.fields.begin(), head.fields.end(), [](const auto& field) {
    return field.first == "origin" || field.first == "referer" ||
           field.first.starts_with("sec-fetch-");
  });
}

void StreamedBuild::tell_request(const Scene& scene) {
  const auto call = build_.call;
  const auto engine = build_.engine;
  scene.out->facts.emplace_back(std::exchange(build_, {}));
  build_.call = call;
  build_.engine = engine;
}

void StreamedBuild::tell(const Scene& scene, std::string_view reason) {
  if (!unseen_ && !std::exchange(told_, true)) scene.blind(reason, build_.call);
}

void StreamedBuild::answer_head(const Scene& scene, std::uint32_t status) {
  settle_request(scene, request_done);  // what is still to come of the request does not matter
  if (context_) context_->finish(scene);
  status_ = status;
  // What came before was the answer of another call.
  output_ = output_->fresh();
  lines_.restart();
  restart_answer();
}

void StreamedBuild::answer_body(const Scene& scene, std::uint64_t pos, std::string_view bytes) {
  lines_.add(pos, bytes,
             [&](Gathered& message, bool whole) { take_message(scene, message, whole); });
}

void StreamedBuild::answer_hole(const Scene& scene, bool lost) {
  if (lost) tell(scene, "bytes of a build's output were lost");
  lines_.hole([&](Gathered& message, bool whole) { take_message(scene, message, whole); });
}

void StreamedBuild::meet(const Scene& scene) {
  unseen_ = false;
  build_.time = scene.now;
  build_.call = {scene.conn, (*scene.next_number)++};
  build_.midway = true;
  scene.out->facts.emplace_back(build_);
  tell(scene, "the build began before its conversation was met");
}

void StreamedBuild::take_message(const Scene& scene, Gathered& message, bool whole) {
  using Said = BuildOutput::Said;
  if (take_other(scene, message, whole)) return;
  const std::string_view bytes = message.bytes();
  const BuildOutput::Message read{bytes, whole, status_};
  std::vector<domain::ApiFact> none;
  if (unseen_ && output_->fresh()->read(read, scene.now, {}, none) == Said::kBuilder) {
    met_by(bytes);
    meet(scene);
  }
  if (!unseen_ && output_->read(read, scene.now, build_.call, scene.out->facts) != Said::kNothing) {
    const auto front = whole ? bytes : BuildOutput::front_of(bytes);
    message.vouch(Direction::kResponse, 0, front.size(), base::mask_text_same_length(front),
                  scene.out->safe);
  } else if (unseen_ && (bytes.starts_with(kLoaded) || bytes.starts_with(kImported))) {
    const auto lead = bytes.starts_with(kLoaded) ? kLoaded : kImported;
    message.vouch(Direction::kResponse, 0, lead.size(), lead, scene.out->safe);
    if (scene.midway && !std::exchange(told_, true))
      scene.blind("an image came by a load or an import whose request was not seen");
  } else if (bytes.starts_with(kOutput)) {
    message.vouch(Direction::kResponse, 0, kOutput.size(), kOutput, scene.out->safe);
    suspected_ = true;
  }
}

// The answer is over and no line of a builder came; elsewhere than midway its beginning was told
// lost.
void StreamedBuild::unknown_end(const Scene& scene) const {
  if (suspected_ && scene.midway) scene.blind("an answer that may be a build's, met midway");
}

void StreamedBuild::answer_end(const Scene& scene) {
  lines_.finish([&](Gathered& message, bool whole) { take_message(scene, message, whole); }, true);
  if (unseen_) return unknown_end(scene);
  // An answer that lasts until the connection is closed has no other end.
  scene.out->facts.emplace_back(scene.closing ? closed(scene)
                                              : output_->ended(scene.now, build_.call, status_));
}

// Clients close as soon as they have read how it ended.
domain::BuildEnded StreamedBuild::closed(const Scene& scene) const {
  using domain::BuildStatus;
  auto ended = output_->ended(scene.now, build_.call, status_);
  const bool open = ended.status == BuildStatus::kUnknown ||
                    (ended.status == BuildStatus::kSucceeded && !output_->surely_built());
  if (open) ended.status = told_ ? BuildStatus::kUnknown : BuildStatus::kCancelled;
  return ended;
}

void StreamedBuild::cut(const Scene& scene, Cut how) {
  settle_request(scene, false);
  lines_.finish([&](Gathered& message, bool whole) { take_message(scene, message, whole); }, false);
  if (unseen_) return unknown_end(scene);
  if (how == Cut::kClosed) {
    scene.out->facts.emplace_back(closed(scene));
    return;
  }
  tell(scene, "the end of a build was not seen");
  scene.out->facts.emplace_back(
      domain::BuildEnded{scene.now, build_.call, domain::BuildStatus::kUnknown, 0, {}});
}

std::optional<std::uint64_t> StreamedBuild::held(Direction direction) const {
  if (direction == Direction::kRequest) return context_ ? context_->held() : std::nullopt;
  if (lines_.empty()) return std::nullopt;
  return lines_.first_pos();
}

std::size_t StreamedBuild::held_bytes() const {
  return build_.path.capacity() + build_.user_agent.capacity() + lines_.held_bytes() +
         output_->held_bytes() + (context_ ? context_->held_bytes() : 0);
}

}  // namespace kilnwatch::engine::docker
