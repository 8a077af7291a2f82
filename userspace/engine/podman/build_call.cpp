#include "engine/podman/build_call.h"

#include <algorithm>

#include "base/secrets.h"
#include "base/text.h"
#include "engine/docker/mask.h"
#include "engine/podman/build_output.h"
#include "protocol/json/json.h"

namespace kilnwatch::engine::podman {
namespace {

using domain::Direction;

// strconv.ParseBool, and "on" (gorilla/schema: convertBool). What is none makes the request fail.
bool is_true(const std::string& value) {
  const auto text = base::lower(value);
  return text == "1" || text == "t" || text == "true" || text == "on";
}

bool is_url(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

// A JSON array of names, or one name (images_build.go, processBuildContext).
std::vector<std::string> dockerfiles(const std::string& value) {
  const auto list = protocol::parse_json(value);
  if (list && list->kind == protocol::Json::Kind::kArray) return protocol::json_strings(&*list);
  return value.empty() ? std::vector<std::string>{} : std::vector<std::string>{value};
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

// Of the namespaces that are asked for the network's: without any it is the host's.
std::string network_of(const protocol::Query& query) {
  const auto policy = query.last_folded("networkmode");
  if (policy == "1" || policy == "NetworkDisabled") return "none";
  const auto text = query.last_folded("nsoptions");
  const auto options = protocol::parse_json(text);
  if (text.empty() || !options) return "host";
  for (const auto& [key, option] : options->members) {
    if (protocol::json_string(protocol::json_find(option, "Name")) != "network") continue;
    if (protocol::json_true(protocol::json_find(option, "Host"))) return "host";
    return protocol::json_string(protocol::json_find(option, "Path"));
  }
  return {};
}

bool has_members(const std::string& json) {
  const auto value = protocol::parse_json(json);
  return value && !value->members.empty();
}

}  // namespace

BuildCall::BuildCall() : StreamedBuild(std::make_unique<BuildOutput>(), true) {
  build_.engine = domain::EngineKind::kPodman;
}

BuildCall::BuildCall(const protocol::Head& head, domain::CallId id, const Route& route,
                     const docker::Scene& scene)
    : StreamedBuild(std::make_unique<BuildOutput>(), false) {
  begin(head, id, route, scene);
  build_.engine = domain::EngineKind::kPodman;
  read_query(route);
  if (!names_.empty()) {
    context_.emplace(id, names_);
    if (docker::media_type(head.field("content-type")) == "multipart/form-data")
      parts_.emplace(head.field("content-type"));
  }
  tell_request(scene);
}

void BuildCall::read_query(const Route& route) {
  const auto& query = route.query;
  const auto one = [&](std::string_view key) { return query.last_folded(key); };
  const auto remote = route.libpod && !route.local ? one("remote") : std::string();
  const auto files = dockerfiles(one("dockerfile"));
  build_.dockerfile_name = base::mask_text(joined(files));
  build_.remote_context = base::mask_text(remote);
  if (remote.empty() && files.size() == 1 && is_url(files.front()))
    build_.remote_context = base::mask_text(files.front());
  // Several files are one after the other; what a server has lying about is not seen.
  if (remote.empty() && !route.local) {
    if (files.size() == 1 && !is_url(files.front())) names_ = files;
    if (files.empty() && route.libpod) names_ = {"Containerfile", "Dockerfile"};
    if (files.empty() && !route.libpod) names_ = {"Dockerfile"};
  }
  build_.network_mode = base::mask_text(network_of(query));
  build_.target = base::mask_text(one("target"));
  build_.labels = has_members(one("labels"));
  for (const auto& tag : query.all_folded("t", docker::kMaxNames)) {
    if (!tag.empty()) build_.tags.push_back(docker::safe_reference(tag));
  }
  if (const auto args = protocol::parse_json(one("buildargs")); args && args->is_object()) {
    for (const auto& [name, value] : args->members) {
      if (build_.build_arg_names.size() < docker::kMaxNames)
        build_.build_arg_names.push_back(base::mask_text(name));
    }
  }
  const auto jobs = one("jobs");
  build_.parallel = !jobs.empty() && jobs != "1";
  build_.quiet = is_true(one("q"));
  // Without layers there is no cache; podman's own API leaves them out unless they are asked for.
  const auto layers = one("layers");
  build_.no_cache = is_true(one("nocache")) || (layers.empty() ? route.libpod : !is_true(layers));
}

void BuildCall::request_body(const docker::Scene& scene, std::uint64_t pos,
                             std::string_view bytes) {
  if (!context_) return;
  if (parts_) return parts_->add(scene, pos, bytes, *context_);
  context_->add(scene, pos, bytes);
}

void BuildCall::request_hole(const docker::Scene& scene, std::uint64_t count, bool lost) {
  if (!context_) return;
  if (lost && context_->wanted()) tell(scene, "bytes of a build context were lost");
  if (parts_) return parts_->hole(scene, count, *context_);
  context_->hole(scene, count);
}

void BuildCall::request_end(const docker::Scene& scene) {
  if (context_) context_->finish(scene);
}

std::optional<std::uint64_t> BuildCall::held(Direction direction) const {
  auto place = StreamedBuild::held(direction);
  if (direction != Direction::kRequest || !parts_) return place;
  const auto line = parts_->held();
  if (!line || !place) return line ? line : place;
  return std::min(*line, *place);
}

std::size_t BuildCall::held_bytes() const {
  std::size_t sum = sizeof(*this) + StreamedBuild::held_bytes();
  for (const auto& name : names_) sum += name.capacity();
  return sum + (parts_ ? parts_->held_bytes() : 0);
}

}  // namespace kilnwatch::engine::podman
