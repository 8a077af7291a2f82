#include "engine/docker/build_call.h"

#include <algorithm>
#include <utility>

#include "base/secrets.h"
#include "base/text.h"
#include "engine/docker/mask.h"
#include "protocol/json/json.h"

namespace kilnwatch::engine::docker {
namespace {

using domain::Direction;

constexpr std::size_t kMaxForm = 65536;     // bytes of a form: what crosses the ring of a body
constexpr std::size_t kMaxMessage = 65536;  // bytes of one message of a build's output
constexpr std::size_t kMaxNames = 128;      // tags, build-arg names kept
// How each message of a step's output begins (moby: streamformatter); that of a load goes on.
constexpr std::string_view kOutput = R"({"stream":")";
constexpr std::string_view kLoaded = R"({"stream":"Loaded image)";

// The last line of a BuildKit build.
constexpr std::string_view kBuildKitImage = R"({"id":"moby.image.id")";

// httputils.BoolValue of the engine.
bool is_true(const std::string& value) {
  const auto from = value.find_first_not_of(" \t\n\v\f\r");
  if (from == value.npos) return false;
  const auto text =
      base::lower(value.substr(from, value.find_last_not_of(" \t\n\v\f\r") - from + 1));
  return text != "0" && text != "no" && text != "false" && text != "none";
}

// mime.ParseMediaType
std::string media_type(std::string_view field) {
  auto type = base::lower(field.substr(0, field.find(';')));
  const auto from = type.find_first_not_of(" \t");
  if (from == type.npos) return {};
  return type.substr(from, type.find_last_not_of(" \t") - from + 1);
}

}  // namespace

BuildCall::BuildCall(const protocol::Head& head, domain::CallId id, Route route, const Scene& scene)
    : Call(Kind::kBuild), query_(std::move(route.query)) {
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
  const auto type = media_type(head.field("content-type"));
  if (type == "application/x-www-form-urlencoded" || type == "multipart/form-data") {
    form_type_ = head.field("content-type");
  } else {
    announce(scene, true);
  }
}

// Order of Request.Form: form body, query, multipart.
void BuildCall::announce(const Scene& scene, bool whole) {
  if (std::exchange(announced_, true)) return;
  std::string_view form = form_.bytes();
  // The last pair may be half a secret that cannot be told as one.
  if (!whole) form = form.substr(0, form.rfind('&') + 1);
  protocol::Query values;
  const bool multipart = media_type(form_type_) == "multipart/form-data";
  if (!multipart) values.add(form);
  values.add(query_);
  if (multipart) {
    for (auto& [name, value] : protocol::parse_multipart(form_type_, form_.bytes()))
      values.add(std::move(name), std::move(value));
  } else {
    form_.vouch(Direction::kRequest, 0, form.size(), masked_pairs(form), scene.out->safe);
  }
  form_.clear();
  build_.remote_context = base::mask_text(values.first("remote"));
  build_.buildkit = values.first("version") == "2";
  if (build_.buildkit) announce_buildkit(values, whole);
  build_.dockerfile_name = base::mask_text(values.first("dockerfile"));
  build_.network_mode = base::mask_text(values.first("networkmode"));
  build_.target = base::mask_text(values.first("target"));
  if (const auto labels = protocol::parse_json(values.first("labels")))
    build_.labels = labels->is_object() && !labels->members.empty();
  for (const auto& tag : values.all("t", kMaxNames)) {
    if (!tag.empty()) build_.tags.push_back(safe_reference(tag));
  }
  if (const auto args = protocol::parse_json(values.first("buildargs"));
      args && args->is_object()) {
    for (const auto& [name, value] : args->members) {
      if (build_.build_arg_names.size() < kMaxNames)
        build_.build_arg_names.push_back(base::mask_text(name));
    }
  }
  build_.quiet = is_true(values.first("q"));
  build_.no_cache = is_true(values.first("nocache"));
  if (form_type_.empty() && values.first("remote").empty())
    context_.emplace(build_.call, values.first("dockerfile"));
  query_ = {};
  // What is told is not kept: it may be large.
  const auto call = build_.call;
  scene.out->facts.emplace_back(std::exchange(build_, {}));
  build_.call = call;
}

// moby: builder/builder-next/builder.go, Build.
void BuildCall::announce_buildkit(const protocol::Query& values, bool whole) {
  constexpr std::string_view kUpload = "upload-request";
  const std::string remote = values.first("remote");
  // Files come from the client: over its session, or with another request.
  if (remote == "client-session" || remote == kUpload) build_.remote_context.clear();
  if (remote == "client-session") build_.session = base::mask_text(values.first("session"));
  const std::string ref = values.first("buildid");
  if (ref.starts_with(std::string(kUpload) + ":")) {
    build_.upload_for = base::mask_text(ref.substr(kUpload.size() + 1));
  } else {
    build_.build_ref = base::mask_text(ref);
  }
  if (!whole) return;
  std::vector<std::string> secrets;
  if (const auto args = protocol::parse_json(values.first("buildargs"))) {
    for (const auto& [name, value] : args->members) secrets.push_back(value.text);
  }
  trace_.know(std::move(secrets));
}

void BuildCall::tell(const Scene& scene, std::string_view reason) {
  if (!unseen_ && !std::exchange(told_, true)) scene.blind(reason, build_.call);
}

void BuildCall::request_body(const Scene& scene, std::uint64_t pos, std::string_view bytes) {
  if (context_) return context_->add(scene, pos, bytes);
  if (announced_) return;
  form_.add(pos, bytes.substr(0, kMaxForm - form_.size()));
  if (form_.size() < kMaxForm) return;
  announce(scene, false);
  tell(scene, "parameters of a build stand behind the part of a form that is read");
}

void BuildCall::request_hole(const Scene& scene, std::uint64_t count, bool lost) {
  if (context_) {
    if (lost && context_->wanted()) tell(scene, "bytes of a build context were lost");
    return context_->hole(scene, count);
  }
  if (announced_) return;
  announce(scene, false);
  tell(scene, "parameters of a build were not seen");
}

void BuildCall::request_end(const Scene& scene) {
  announce(scene, true);
  if (context_) context_->finish(scene);
}

void BuildCall::answer_head(const Scene& scene, std::uint32_t status) {
  announce(scene, request_done);  // what is still to come of the request does not matter
  if (context_) context_->finish(scene);
  status_ = status;
  // What came before was the answer of another call.
  output_ = {};
  trace_.restart();
  message_.clear();
  cut_ = resume_ = false;
}

// One JSON message a line.
void BuildCall::answer_body(const Scene& scene, std::uint64_t pos, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto n = end == bytes.npos ? bytes.size() : end + 1;
    // Every write of the engine is a message, so after a hole one begins with its brace.
    if (resume_ && bytes.front() == '{') resume_ = false;
    if (!resume_) {
      const auto room = std::min(n, kMaxMessage - message_.size());
      message_.add(pos, bytes.substr(0, room));
      cut_ = cut_ || room < n;
    }
    pos += n;
    bytes.remove_prefix(n);
    if (end == std::string_view::npos) return;
    resume_ = false;
    take_message(scene, !cut_);
  }
}

void BuildCall::answer_hole(const Scene& scene, bool lost) {
  if (lost) tell(scene, "bytes of a build's output were lost");
  if (!message_.empty()) take_message(scene, false);
  resume_ = true;
}

// A build whose request was not seen.
void BuildCall::meet(const Scene& scene) {
  unseen_ = false;
  build_.time = scene.now;
  build_.call = {scene.conn, (*scene.next_number)++};
  build_.midway = true;
  scene.out->facts.emplace_back(build_);
  tell(scene, "the build began before its conversation was met");
}

void BuildCall::take_trace(const Scene& scene, bool whole) {
  if (unseen_) {
    build_.buildkit = true;
    meet(scene);
  }
  const auto read =
      trace_.read({message_.bytes(), whole}, scene.now, build_.call, scene.out->facts);
  message_.vouch(Direction::kResponse, 0, read.safe.size(), read.safe, scene.out->safe);
  if (!read.whole) tell(scene, "a message of BuildKit could not be read to its end");
  message_.clear();
  cut_ = false;
}

void BuildCall::take_message(const Scene& scene, bool whole) {
  using Said = BuildOutput::Said;
  if (BuildTrace::is_trace(message_.bytes())) return take_trace(scene, whole);
  const BuildOutput::Message message{message_.bytes(), whole, status_};
  std::vector<domain::ApiFact> none;
  if (unseen_ && BuildOutput().read(message, scene.now, {}, none) == Said::kBuilder) {
    build_.buildkit = message.bytes.starts_with(kBuildKitImage);
    meet(scene);
  }
  if (!unseen_ &&
      output_.read(message, scene.now, build_.call, scene.out->facts) != Said::kNothing) {
    const auto front =
        whole ? std::string_view(message_.bytes()) : BuildOutput::front_of(message_.bytes());
    message_.vouch(Direction::kResponse, 0, front.size(), base::mask_text_same_length(front),
                   scene.out->safe);
  } else if (std::string_view(message_.bytes()).starts_with(kOutput)) {
    message_.vouch(Direction::kResponse, 0, kOutput.size(), kOutput, scene.out->safe);
    suspected_ = suspected_ || !std::string_view(message_.bytes()).starts_with(kLoaded);
  }
  message_.clear();
  cut_ = false;
}

// The answer is over and no line of a builder came; elsewhere than midway its beginning was told
// lost.
void BuildCall::unknown_end(const Scene& scene) const {
  if (suspected_ && scene.midway) scene.blind("an answer that may be a build's, met midway");
}

void BuildCall::answer_end(const Scene& scene) {
  if (!message_.empty()) take_message(scene, !cut_);
  if (unseen_) return unknown_end(scene);
  // An answer that lasts until the connection is closed has no other end.
  scene.out->facts.emplace_back(scene.closing ? closed(scene)
                                              : output_.ended(scene.now, build_.call, status_));
}

// Clients close as soon as they have read how it ended.
domain::BuildEnded BuildCall::closed(const Scene& scene) const {
  using domain::BuildStatus;
  auto ended = output_.ended(scene.now, build_.call, status_);
  const bool open = ended.status == BuildStatus::kUnknown ||
                    (ended.status == BuildStatus::kSucceeded && !output_.surely_built());
  if (open) ended.status = told_ ? BuildStatus::kUnknown : BuildStatus::kCancelled;
  return ended;
}

void BuildCall::cut(const Scene& scene, Cut how) {
  announce(scene, false);
  if (!message_.empty()) take_message(scene, false);
  if (unseen_) return unknown_end(scene);
  if (how == Cut::kClosed) {
    scene.out->facts.emplace_back(closed(scene));
    return;
  }
  tell(scene, "the end of a build was not seen");
  scene.out->facts.emplace_back(
      domain::BuildEnded{scene.now, build_.call, domain::BuildStatus::kUnknown, 0, {}});
}

std::optional<std::uint64_t> BuildCall::held(Direction direction) const {
  if (direction == Direction::kRequest) {
    if (context_) return context_->held();
    if (!form_.empty()) return form_.first_pos();
  } else if (!message_.empty()) {
    return message_.first_pos();
  }
  return std::nullopt;
}

std::size_t BuildCall::held_bytes() const {
  return sizeof(*this) + build_.path.capacity() + build_.user_agent.capacity() +
         query_.held_bytes() + form_type_.capacity() + form_.held_bytes() + message_.held_bytes() +
         output_.held_bytes() + trace_.held_bytes() + (context_ ? context_->held_bytes() : 0);
}

}  // namespace kilnwatch::engine::docker
