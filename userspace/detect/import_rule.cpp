// Images that come without a build.
#include "detect/detector.h"
#include "detect/reasons.h"
#include "policy/match.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

struct Road {
  const char* code;
  const char* text;
  const char* verb;
};

Road road_of(Arrival road) {
  switch (road) {
    case Arrival::kLoad:
      return {"loaded", "the image was loaded from an archive of images", "loaded"};
    case Arrival::kImport:
      return {"imported", "the image was imported", "imported"};
    case Arrival::kCommit:
      return {"committed", "the image was made of a container", "committed"};
    case Arrival::kUnknown:
    case Arrival::kPull:
      break;
  }
  return {"arrived", "the image came without a build", "brought"};
}

std::string name_of(const Image& image) {
  return image.tags.empty() ? image.id : image.tags.front();
}

}  // namespace

void Detector::import(const tracker::Moment& moment, Finding& finding) {
  const Import& import = *moment.import;
  const ImageRequest& asked = import.request;
  finding.rule = Rule::kImageImport;
  finding.severity = Severity::kLow;
  const Road road = road_of(import.road);
  std::string text = road.text;
  const std::string& container =
      import.container_id.empty() ? asked.container : import.container_id;
  if (import.road == Arrival::kCommit && !container.empty()) text += ": " + container;
  add(finding, Severity::kLow, road.code, text);
  if (!asked.source.empty()) {
    add(finding, Severity::kMedium, "remote-source", "the engine fetched it from " + asked.source);
  }
  // Those that are denied first: any number of others must not push them out.
  for (const Endpoint& to : moment.reached) {
    const auto* entry = policy::find(policy_.deny, to, {});
    if (entry != nullptr && finding.reasons.size() < kMaxNamed) add_denied(finding, to, *entry);
  }
  for (const Endpoint& to : moment.reached) {
    if (policy::find(policy_.allow, to, {}) != nullptr &&
        policy::find(policy_.deny, to, {}) == nullptr)
      continue;
    if (baseline_.knows(baseline::Scope::kBuilds, seen_key(to), wall(moment))) continue;
    novel_imports_.insert(import.id);
    if (finding.reasons.size() >= kMaxNamed) break;
    add(finding, Severity::kMedium, "container-connected",
        "its container connected to " + text_of(to) +
            ", where no build of this host connected before");
  }
  client_place(finding, import.client, import.engine_container_id, Severity::kMedium);
  if (unknown_client(import.client)) {
    add(finding, Severity::kLow, "client-unknown", "which program brought the image is not known");
  }
  finding.summary =
      "image " + name_of(*moment.image) + " " + road.verb + " by " + client_text(import.client);
  if (!asked.source.empty()) finding.summary += " from " + asked.source;
}

void Detector::deploy_import(const Import& import, Finding& finding) {
  const Road road = road_of(import.road);
  std::string text = std::string(road.text) + ", not built or pulled here";
  if (!import.request.source.empty()) text += ": from " + import.request.source;
  add(finding, Severity::kLow, "image-imported", text);
  const bool listed = is_listed(import.client);
  const bool over_tcp = import.client.transport == Transport::kTcp && !listed;
  if (!import.request.source.empty() || over_tcp)
    finding.severity = std::max(finding.severity, Severity::kMedium);
  if (remote_client(import.client))
    add(finding, listed ? Severity::kInfo : Severity::kMedium, "client-remote",
        "the image was brought by a remote client");
  if (novel_imports_.contains(import.id)) {
    add(finding, Severity::kHigh, "container-connected",
        "the container that it was made of connected where no build of this host did before");
  }
  const TimeNs after =
      finding.time > import.time ? (finding.time - import.time) / 1'000'000'000 : 0;
  add(finding, Severity::kLow, "deploy-soon-after-import",
      std::to_string(after) + " s after the import");
  finding.summary += std::string(", ") + road.verb + " by " + client_text(import.client);
}

}  // namespace kilnwatch::detect
