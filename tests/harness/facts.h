// Facts as text with every field, to compare and to search.
#pragma once

#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/conversation.h"

namespace kilnwatch::test {

class FactText {
 public:
  std::string operator()(const domain::BuildRequested& f) const {
    return call("requested", f.call) + f.method + "|" + f.path + "|" + f.api_version + "|" +
           f.user_agent + "|" + f.remote_context + "|" + f.dockerfile_name + "|" + list(f.tags) +
           list(f.build_arg_names) + f.network_mode +
           (f.entitlements.empty() ? "" : list(f.entitlements)) +
           flags({f.quiet, f.buildkit, f.browser, f.midway}) + f.build_ref + f.upload_for +
           (f.session.empty() ? "" : "|" + f.session);
  }
  std::string operator()(const domain::CommandJoined& f) const {
    return call("joined", f.call) + std::to_string(f.pid) + " " + f.instruction;
  }
  std::string operator()(const domain::DockerfileSeen& f) const {
    auto out = call("dockerfile", f.call) + f.text + "|" + f.sha256 + list(f.base_images);
    for (const auto& i : f.instructions) out += "|" + i.text + flags({i.is_run, i.is_from});
    return out;
  }
  std::string operator()(const domain::ContextFetched& f) const {
    return "fetched " + f.url + "|" + f.location + "|" +
           (f.dockerfile ? (*this)(*f.dockerfile) : std::string());
  }
  std::string operator()(const domain::SessionOpened& f) const { return "session " + f.session; }
  std::string operator()(const domain::SessionIdle& f) const { return "idle " + f.session; }
  std::string operator()(const domain::BuildStepAnnounced& f) const {
    return call("step", f.call) + std::to_string(f.number) + "/" + std::to_string(f.total) + " " +
           f.instruction + (f.stages == 0 ? "" : " of " + std::to_string(f.stage));
  }
  std::string operator()(const domain::BuildContainerAnnounced& f) const {
    return call("running", f.call) + f.short_id;
  }
  std::string operator()(const domain::BuildContainerRemoved& f) const {
    return call("removed", f.call) + f.short_id;
  }
  std::string operator()(const domain::BuildImageAnnounced& f) const {
    return call("image", f.call) + f.id + flags({f.final});
  }
  std::string operator()(const domain::BuildTagAnnounced& f) const {
    return call("tagged", f.call) + f.tag;
  }
  std::string operator()(const domain::BuildEnded& f) const {
    return call("ended", f.call) + std::to_string(static_cast<int>(f.status)) + " " +
           std::to_string(f.http_status) + " " + f.message;
  }
  std::string operator()(const domain::VertexSeen& f) const {
    return call("vertex", f.call) + f.digest + " " + std::to_string(static_cast<int>(f.kind)) +
           " " + f.platform + "|" + f.stage + "|" + std::to_string(f.number) + "/" +
           std::to_string(f.total) + " " + f.text + flags({f.cached}) + " " +
           std::to_string(f.started) + "-" + std::to_string(f.completed) + " " + f.error +
           (f.inputs.empty() && f.whole ? "" : list(f.inputs) + flags({f.whole}));
  }
  std::string operator()(const domain::BuilderClock& f) const {
    return call("clock", f.call) + std::to_string(f.reached);
  }
  std::string operator()(const domain::ContainerCreated& f) const {
    return call("created", f.call) + f.container_id + "|" + f.name + "|" + f.image + list(f.binds) +
           list(f.capabilities) + list(f.host_namespaces) + flags({f.privileged}) +
           (f.engine_namespace.empty() ? "" : "|" + f.engine_namespace + "|" + f.image_id) +
           (f.sandbox.empty() ? "" : "|" + f.sandbox + "|" + f.pod.name_space + "/" + f.pod.name);
  }
  std::string operator()(const domain::PodStarted& f) const {
    return call("pod", f.call) + f.sandbox + "|" + f.pod.name_space + "/" + f.pod.name +
           list(f.host_namespaces);
  }
  std::string operator()(const domain::ImageResolved& f) const {
    return call("resolved", f.call) + f.reference + "|" + f.digest + of(f.engine_namespace);
  }
  std::string operator()(const domain::ManifestStored& f) const {
    return call("manifest", f.call) + f.digest + "|" + f.config + list(f.manifests);
  }
  std::string operator()(const domain::ContainerStartAsked& f) const {
    return call("start asked", f.call) + f.container + of(f.engine_namespace);
  }
  std::string operator()(const domain::ContainerStarted& f) const {
    return call("started", f.call) + f.container + of(f.engine_namespace);
  }
  std::string operator()(const domain::ContainerRenamed& f) const {
    return call("renamed", f.call) + f.container + "|" + f.name;
  }
  std::string operator()(const domain::ContainerEmpowered& f) const {
    return call("empowered", f.call) + f.container + "|" + (f.with.command ? "exec" : "start") +
           list(f.with.binds) + (f.with.privileged ? "privileged" : "");
  }
  std::string operator()(const domain::ImageTagged& f) const {
    return call("tag", f.call) + f.source + "|" + f.tag;
  }
  std::string operator()(const domain::ImageMoved& f) const {
    const auto arrival = std::to_string(static_cast<int>(f.arrival));
    return call("moved", f.call) + f.reference + (f.all_tags ? "|all|" : "|") + f.image +
           (f.certain ? "" : "|perhaps") +
           (f.engine_namespace.empty()
                ? (f.perhaps ? "|unseen|" : "|") + arrival + "|" + f.digest + "|" +
                      f.request.method + "|" + f.request.path + "|" + f.request.api_version + "|" +
                      f.request.user_agent + "|" + f.request.source + "|" + f.request.container
                : "|" + f.digest + of(f.engine_namespace) + "|" + arrival);
  }
  std::string operator()(const domain::ImagePushed& f) const {
    return call("pushed", f.call) + f.reference + "|" + f.digest;
  }
  std::string operator()(const domain::ConversationBlind& f) const {
    return "blind " + f.reason + (f.build ? " of " + std::to_string(f.build->number) : "");
  }

 private:
  static std::string call(const char* name, const domain::CallId& id) {
    return std::string(name) + " " + std::to_string(id.conn) + "." + std::to_string(id.number) +
           " ";
  }
  static std::string of(const std::string& engine_namespace) {
    return engine_namespace.empty() ? "" : "|" + engine_namespace;
  }
  static std::string list(const std::vector<std::string>& items) {
    std::string out = "[";
    for (const auto& item : items) out += item + ",";
    return out + "]";
  }
  static std::string flags(const std::vector<bool>& bits) {
    std::string out = " ";
    for (const bool bit : bits) out += bit ? '1' : '0';
    return out;
  }
};

inline std::vector<std::string> fact_texts(const engine::Output& output) {
  std::vector<std::string> out;
  for (const auto& fact : output.facts) out.push_back(std::visit(FactText{}, fact));
  return out;
}

// All that leaves the parser, facts and recorded bytes.
inline std::string everything(const engine::Output& output) {
  std::string out;
  for (const auto& text : fact_texts(output)) out += text + "\n";
  for (const auto& range : output.safe) out += range.bytes;
  return out;
}

// True when no byte is vouched for twice.
inline bool apart(const std::vector<engine::SafeRange>& ranges) {
  std::map<std::pair<domain::Direction, std::uint64_t>, std::uint64_t> ends;
  for (const auto& range : ranges) {
    if (!ends.emplace(std::pair(range.direction, range.pos), range.pos + range.bytes.size()).second)
      return false;
  }
  for (auto it = ends.begin(); it != ends.end(); ++it) {
    const auto next = std::next(it);
    if (next != ends.end() && next->first.first == it->first.first &&
        next->first.second < it->second)
      return false;
  }
  return true;
}

}  // namespace kilnwatch::test
