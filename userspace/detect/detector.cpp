#include "detect/detector.h"

#include <algorithm>

#include "detect/added.h"
#include "detect/reasons.h"
#include "detect/shapes.h"
#include "tracker/ident.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

bool is_denied(const Finding& finding) {
  return finding.rule == Rule::kBuildEgress &&
         std::any_of(finding.reasons.begin(), finding.reasons.end(),
                     [](const Reason& reason) { return reason.code == "denied-destination"; });
}

// Of a moment that may be a finding.
Rule rule_of(tracker::MomentKind kind) {
  switch (kind) {
    case tracker::MomentKind::kBuildRequest:
      return Rule::kBuildRequest;
    case tracker::MomentKind::kBuildEgress:
    case tracker::MomentKind::kEngineEgress:
      return Rule::kBuildEgress;
    case tracker::MomentKind::kImageDeploy:
      return Rule::kImageDeploy;
    case tracker::MomentKind::kImageImport:
      return Rule::kImageImport;
    case tracker::MomentKind::kBuildFailed:
      return Rule::kBuildFailed;
    case tracker::MomentKind::kContainerPowers:
      return Rule::kContainerPowers;
    case tracker::MomentKind::kBlind:
    case tracker::MomentKind::kHostEgress:
    case tracker::MomentKind::kStepExecuted:
    case tracker::MomentKind::kImageBuilt:
      break;
  }
  return Rule::kSensorBlind;
}

// The engine connects for whoever asks, from the host's own network. Empty: to nothing that only it
// reaches.
std::string_view reaches_inside(const std::string& url) {
  const Endpoint from = host_of_url(url);
  if (is_metadata(from.ip, from.port)) return "cloud-metadata";
  const bool inside = tracker::is_loopback(from.ip) || tracker::is_link_local(from.ip) ||
                      is_own_name(from.ip) || tracker::is_engine_port(from.port);
  return inside ? "fetch-inside" : "";
}

// What weighs most first, and of each kind some: however many others come, none is left out.
void tell_fetches(Finding& finding, const std::vector<std::string>& urls, std::string_view code) {
  for (const std::string_view key :
       {std::string_view("cloud-metadata"), std::string_view("fetch-inside"), code}) {
    std::size_t named = 0;
    for (const std::string& url : urls) {
      if (key != code && reaches_inside(url) != key) continue;
      if (++named <= kMaxNamed)
        tell(finding, key, key == "cloud-metadata" ? host_of_url(url).ip : url);
    }
    if (named > kMaxNamed)
      tell(finding, key, "and " + std::to_string(named - kMaxNamed) + " others");
  }
}

// Another program than the usual one reads the Dockerfile, and decides what is built.
void tell_frontend(const Build& build, Finding& finding) {
  const auto& given = build.request.build_arg_names;
  if (std::find(given.begin(), given.end(), kSyntaxArgument) != given.end())
    return tell(finding, "frontend/argument", kSyntaxArgument);
  const std::string image = build.dockerfile ? frontend_of(build.dockerfile->text) : std::string();
  if (!image.empty() && !is_usual_frontend(image)) tell(finding, "frontend", image);
}

}  // namespace

void Detector::request(const tracker::Moment& moment, Finding& finding) {
  const Build& build = *moment.build;
  const BuildRequested& asked = build.request;
  client_place(finding, build.client, build.container_id);
  new_client(moment, build.client, finding);
  if (!asked.remote_context.empty())
    tell_fetches(finding, {asked.remote_context}, "remote-context");
  std::vector<std::string> urls;
  for (const AddedFile& file : added_files(build).files) {
    if (is_url(file)) urls.push_back(file.url);
  }
  tell_fetches(finding, urls, "add-url");
  if (asked.buildkit || build.engine == EngineKind::kBuildkitd) tell_frontend(build, finding);
  if (asked.midway) tell(finding, "met-midway");
  if (unknown_client(build.client)) tell(finding, "client-unknown");
  if (asked.quiet) tell(finding, "quiet-build");
  if (asked.network_mode == "host") tell(finding, "network-host");
  for (const std::string& name : asked.entitlements)
    tell(finding, name == "security.insecure" ? "entitlement/insecure" : "entitlement", name);
  if (asked.browser) tell(finding, "browser-request");
  base_registries(build, finding);
  finding.summary = (asked.midway ? "build met midway, requested by " : "build requested by ") +
                    client_text(build.client);
  if (!build.base_images.empty()) finding.summary += " on base " + build.base_images.front();
  if (build.status == BuildStatus::kRefused) {
    tell(finding, "request-refused");
    finding.summary += ", refused by the engine";
  }
}

// How a build ended, and in which step.
void Detector::failed(const tracker::Moment& moment, Finding& finding) {
  finding.summary = "a build of " + client_text(moment.build->client) + " failed";
  if (!finding.step) return;
  if (finding.step->number != 0)
    finding.summary += " in step " + std::to_string(finding.step->number);
  if (!finding.step->stage.empty()) finding.summary += " of stage " + finding.step->stage;
}

// In words: what was lost, how much, and what that means.
void Detector::blind(Finding& finding) {
  for (const Reason& reason : finding.reasons) {
    if (reason.code == "build-open") continue;
    if (!finding.summary.empty()) finding.summary += "; ";
    finding.summary += reason.text;
  }
  if (finding.health && finding.health->count > 1)
    finding.summary += " (" + std::to_string(finding.health->count) + " times)";
}

std::optional<Finding> Detector::judge(const tracker::Moment& moment, const Answer& answer) {
  const auto fetch = chosen(moment);
  return fetch ? judge(*fetch, true, answer) : judge(moment, false, answer);
}

std::optional<Finding> Detector::judge(const tracker::Moment& moment, bool fetch,
                                       const Answer& answer) {
  if (moment.kind == tracker::MomentKind::kHostEgress) {
    meet_elsewhere(moment);
    return std::nullopt;
  }
  if (moment.kind == tracker::MomentKind::kStepExecuted) {
    for (const std::string& build : chains_.executed(moment.place, moment.time, *moment.executed))
      shared_images_.tell(build, chains_.find(build));
    return std::nullopt;
  }
  if (moment.kind == tracker::MomentKind::kImageBuilt) {
    shared_images_.built(*moment.build, *moment.image, moment.time);
    shared_images_.tell(moment.build->id, chains_.find(moment.build->id));
    return std::nullopt;
  }
  Finding finding;
  finding.time = moment.time;
  finding.rule = rule_of(moment.kind);
  finding.build = moment.build;
  finding.step = moment.step;
  finding.connection = moment.connection;
  finding.image = moment.image;
  finding.deployment = moment.deployment;
  finding.health = moment.health;
  finding.import = moment.import;
  finding.reasons = moment.reasons;
  complete(finding);
  bool in_chain = false;
  const policy::Exception* excepted = exception(moment, finding.rule);
  switch (finding.rule) {
    case Rule::kBuildRequest:
      request(moment, finding);
      break;
    case Rule::kBuildEgress:
      if (const auto told = fetch ? fetched(moment, finding, excepted, answer)
                            : moment.kind == tracker::MomentKind::kEngineEgress
                                ? engine_egress(moment, finding, excepted)
                                : egress(moment, finding, excepted, answer)) {
        in_chain = *told;
      } else {
        return std::nullopt;
      }
      break;
    case Rule::kBuildFailed:
      failed(moment, finding);
      break;
    case Rule::kImageDeploy: {
      Finding powerful = finding;
      if (deploy(moment, answer, finding)) break;
      if (moment.told_before) return std::nullopt;
      // Nobody built it, and it may have something of the host's all the same.
      powerful.rule = Rule::kContainerPowers;
      if (!powers(moment, powerful)) return std::nullopt;
      finding = std::move(powerful);
      excepted = exception(moment, finding.rule);
      break;
    }
    case Rule::kImageImport:
      import(moment, finding);
      break;
    case Rule::kSensorBlind:
      blind(finding);
      break;
    case Rule::kContainerPowers:
      if (!powers(moment, finding)) return std::nullopt;
      break;
  }
  finding.id = tracker::short_hash(boot_id_ + "|" + std::to_string(moment.call.conn) + "|" +
                                   std::to_string(moment.call.number) + "|" +
                                   std::to_string(static_cast<int>(finding.rule)) + "|" +
                                   moment.key + (is_denied(finding) ? "/denied" : ""));
  score(finding);
  // What is lowered is no part of a chain: what is allowed, learned or ordinary leads nowhere.
  if (in_chain && finding.severity > Severity::kLow) {
    chains_.connected(finding, moment.place, finding.severity, moment.other_builds);
    if (finding.build) {
      shared_images_.tell(finding.build->id, chains_.find(finding.build->id));
      // They have the same step.
      for (const std::string& build : moment.other_builds)
        shared_images_.tell(build, chains_.find(build));
    }
  }
  if (finding.rule == Rule::kBuildRequest) chains_.requested(finding);
  override_severity(finding, excepted);
  name_techniques(finding, policy_.tactics);
  return finding;
}

}  // namespace kilnwatch::detect
