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

constexpr std::size_t kMaxForm = 65536;  // bytes of a form: what crosses the ring of a body
// What both builders end with: a quiet one with its image, others with its names.
constexpr std::string_view kQuietId = R"({"stream":"sha256:)";
constexpr std::string_view kTagged = R"({"stream":"Successfully tagged )";
constexpr std::string_view kBuildKitImage = R"({"id":"moby.image.id")";

// httputils.BoolValue of the engine.
bool is_true(const std::string& value) {
  const auto from = value.find_first_not_of(" \t\n\v\f\r");
  if (from == value.npos) return false;
  const auto text =
      base::lower(value.substr(from, value.find_last_not_of(" \t\n\v\f\r") - from + 1));
  return text != "0" && text != "no" && text != "false" && text != "none";
}

}  // namespace

BuildCall::BuildCall(const protocol::Head& head, domain::CallId id, Route route, const Scene& scene)
    : StreamedBuild(std::make_unique<BuildOutput>(), false), query_(std::move(route.query)) {
  begin(head, id, route, scene);
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
    context_.emplace(build_.call, ContextFront::dockers(values.first("dockerfile")));
  query_ = {};
  tell_request(scene);
}

// moby: builder/builder-next/builder.go, Build.
void BuildCall::announce_buildkit(const protocol::Query& values, bool whole) {
  constexpr std::string_view kUpload = "upload-request";
  const std::string remote = values.first("remote");
  // Files come from the client: over its session, or with another request.
  if (remote == "client-session" || remote == kUpload) build_.remote_context.clear();
  build_.session = base::mask_text(values.first("session"));
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

bool BuildCall::take_other(const Scene& scene, Gathered& message, bool whole) {
  if (!BuildTrace::is_trace(message.bytes())) return false;
  if (unseen()) {
    build_.buildkit = true;
    meet(scene);
  }
  const auto read = trace_.read({message.bytes(), whole}, scene.now, build_.call, scene.out->facts);
  message.vouch(Direction::kResponse, 0, read.safe.size(), read.safe, scene.out->safe);
  if (!read.whole) tell(scene, "a message of BuildKit could not be read to its end");
  return true;
}

void BuildCall::met_by(std::string_view message) {
  build_.buildkit = message.starts_with(kBuildKitImage);
  build_.builder_unknown = message.starts_with(kQuietId) || message.starts_with(kTagged);
}

std::optional<std::uint64_t> BuildCall::held(Direction direction) const {
  if (direction == Direction::kRequest && !context_ && !form_.empty()) return form_.first_pos();
  return StreamedBuild::held(direction);
}

std::size_t BuildCall::held_bytes() const {
  return sizeof(*this) + StreamedBuild::held_bytes() + query_.held_bytes() + form_type_.capacity() +
         form_.held_bytes() + trace_.held_bytes();
}

}  // namespace kilnwatch::engine::docker
