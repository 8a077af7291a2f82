// Images that come without a build.
#include "detect/detector.h"
#include "detect/reasons.h"
#include "policy/match.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

struct Road {
  const char* code;
  const char* verb;
};

Road road_of(Arrival road) {
  switch (road) {
    case Arrival::kLoad:
      return {"loaded", "loaded"};
    case Arrival::kImport:
      return {"imported", "imported"};
    case Arrival::kCommit:
      return {"committed", "committed"};
    case Arrival::kUnknown:
    case Arrival::kPull:
      break;
  }
  return {"arrived", "brought"};
}

std::string name_of(const Image& image) {
  return image.tags.empty() ? image.id : image.tags.front();
}

}  // namespace

void Detector::import(const tracker::Moment& moment, Finding& finding) {
  const Import& import = *moment.import;
  const ImageRequest& asked = import.request;
  const Road road = road_of(import.road);
  const std::string& container =
      import.container_id.empty() ? asked.container : import.container_id;
  tell(finding, road.code, container.empty() ? "" : ": " + container);
  if (!asked.source.empty()) tell(finding, "remote-source", asked.source);
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
    tell(finding, "container-connected", text_of(to));
  }
  client_place(finding, import.client, import.engine_container_id);
  new_client(moment, import.client, finding);
  if (unknown_client(import.client)) tell(finding, "client-unknown");
  finding.summary =
      "image " + name_of(*moment.image) + " " + road.verb + " by " + client_text(import.client);
  if (!asked.source.empty()) finding.summary += " from " + asked.source;
}

void Detector::deploy_import(const Import& import, Finding& finding) {
  const Road road = road_of(import.road);
  tell(finding, "image-imported", reason_of(road.code).text);
  if (!import.request.source.empty()) tell(finding, "remote-source", import.request.source);
  asked_by(finding, import.client, "/maker");
  if (novel_imports_.contains(import.id)) {
    tell(finding, "container-connected", "destinations that the alert of its import names");
    tell(finding, "chain-closed", "the container that it was made of");
  }
  const TimeNs after = finding.time > import.time ? finding.time - import.time : 0;
  tell(finding, "deploy-soon-after-import", std::to_string(after / kSecond));
  if (import.road == Arrival::kImport && after <= policy_.deploy_soon.value_or(kDeploySoon))
    tell(finding, "unpacked-deployed", "an archive of one file system");
  finding.summary += std::string(", ") + road.verb + " by " + client_text(import.client);
}

}  // namespace kilnwatch::detect
