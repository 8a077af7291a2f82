#include "detect/detector.h"

#include <algorithm>

#include "base/secrets.h"
#include "detect/names.h"
#include "detect/reasons.h"
#include "policy/match.h"
#include "tracker/address.h"
#include "tracker/ident.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

bool is_denied(const Finding& finding) {
  return finding.rule == Rule::kBuildEgress &&
         std::any_of(finding.reasons.begin(), finding.reasons.end(),
                     [](const Reason& reason) { return reason.code == "denied-destination"; });
}

}  // namespace

void Detector::request(const tracker::Moment& moment, Finding& finding) {
  const Build& build = *moment.build;
  const BuildRequested& asked = build.request;
  finding.rule = Rule::kBuildRequest;
  finding.severity = Severity::kLow;
  const bool tcp = build.client.transport == Transport::kTcp;
  client_place(finding, build.client, build.container_id, Severity::kHigh);
  if (!asked.remote_context.empty()) {
    add(finding, tcp ? Severity::kHigh : Severity::kMedium, "remote-context",
        "the context is fetched from " + asked.remote_context);
  }
  if (asked.midway) {
    add(finding, Severity::kLow, "met-midway",
        "the build began before the sensor: what was asked for is not known");
  }
  if (unknown_client(build.client)) {
    add(finding, Severity::kLow, "client-unknown",
        "which program asked for the build is not known");
  }
  if (asked.quiet)
    add(finding, Severity::kLow, "quiet-build", "the builder was told to write nothing");
  if (asked.network_mode == "host")
    add(finding, Severity::kMedium, "network-host", "steps use the network of the host");
  for (const std::string& name : asked.entitlements) {
    const bool insecure = name == "security.insecure";
    add(finding, insecure ? Severity::kHigh : Severity::kMedium, "entitlement",
        "steps may be given " + name);
  }
  if (asked.browser)
    add(finding, Severity::kMedium, "browser-request", "the request has headers of a browser");
  base_registries(build, finding);
  finding.summary = (asked.midway ? "build met midway, requested by " : "build requested by ") +
                    client_text(build.client);
  if (!build.base_images.empty()) finding.summary += " on base " + build.base_images.front();
  if (build.status == BuildStatus::kRefused) {
    finding.severity = Severity::kInfo;
    finding.summary += ", refused by the engine";
  }
}

std::optional<Severity> Detector::egress(const tracker::Moment& moment, Finding& finding,
                                         const policy::Exception* exception) {
  finding.rule = Rule::kBuildEgress;
  finding.severity = Severity::kHigh;
  Connection& connection = *finding.connection;
  connection.http_path = base::mask_text(connection.http_path);
  mask_names(connection);
  const Endpoint& to = connection.destination;
  const std::string where = text_of(to);
  const bool engine = moment.to_engine || tracker::is_engine_port(to.port);
  // Nothing leaves the step.
  if (!engine && moment.build &&
      tracker::own_loopback(*moment.build, *finding.step, moment.reasons, to.ip))
    return std::nullopt;
  const std::string name = claimed_name(connection);
  connection.dns_name = told_name(connection);
  meet(moment, connection);
  const bool metadata = to.ip == "169.254.169.254" || to.ip == "fd00:ec2::254";
  // A claim is enough to be denied, and never enough to be allowed.
  const policy::Destination* denied = denied_by(connection, name);
  if (!connection.first_in_builds && !engine && !metadata && denied == nullptr) return std::nullopt;
  // One alert for each step container and destination, also where every connection is wrong, and
  // one more where it is denied by a name that only came later.
  const std::string told = moment.key + (denied != nullptr ? "/denied" : "");
  if (told_.contains(told)) return std::nullopt;
  told_.insert(told);
  const policy::Destination* allowed =
      engine || metadata || denied != nullptr ? nullptr : allowed_by(connection);
  if (engine) add(finding, Severity::kCritical, "engine-api", where + " is an engine's API");
  if (metadata)
    add(finding, Severity::kCritical, "cloud-metadata", where + " is the cloud's metadata service");
  if (denied != nullptr) add_denied(finding, to, *denied);
  // The widest circle that it is new to; the fields have each of them.
  if (connection.first_in_builds && connection.first_on_host) {
    add(finding, Severity::kHigh, "first-seen-on-host",
        "nothing on this host was seen to connect there before");
  } else if (connection.first_in_builds) {
    add(finding, Severity::kHigh, "first-seen-in-builds",
        "no build of this host connected there before");
  }
  const bool learning = is_learning(moment) && !engine && !metadata && denied == nullptr;
  if (learning) {
    add(finding, Severity::kInfo, "learning",
        "the baseline is new and learns: from now on the destination is known");
  }
  const bool notable = connection.first_in_builds || denied != nullptr;
  if (notable && moment.build && allowed == nullptr && exception == nullptr && !learning)
    remember(moment.build->id, connection);
  add_name(finding, name);
  if (allowed != nullptr) {
    add(finding, Severity::kLow, "allowed-destination",
        where + " is allowed by the configuration: " + allowed->text);
  } else if (const auto* entry =
                 policy::find(policy_.allow, to, name.empty() ? connection.dns_name.name : name);
             entry != nullptr && !entry->domain.empty()) {
    add(finding, Severity::kHigh, "allowed-name-unverified",
        "the configuration allows " + entry->text +
            ", but the name is not verified, and allows nothing");
  }
  const std::uint32_t number = finding.step->number;
  finding.summary = (number != 0 ? "build step " + std::to_string(number) : "a build step") +
                    (moment.build ? "" : " of a build that is not known for certain") +
                    " connected to " + where;
  if (learning) return Severity::kInfo;
  return allowed != nullptr ? Severity::kLow : Severity::kCritical;
}

// The last novel or denied connection of a build: part of the story that a deployment closes.
void Detector::remember(const std::string& build, const Connection& connection) {
  if (!novel_.insert_or_assign(build, connection).second) return;
  novel_order_.push_back(build);
  if (novel_order_.size() <= kMaxStories) return;
  novel_.erase(novel_order_.front());
  novel_order_.pop_front();
}

// How a build ended, and in which step.
void Detector::failed(const tracker::Moment& moment, Finding& finding) {
  finding.rule = Rule::kBuildFailed;
  finding.severity = Severity::kInfo;
  finding.summary = "a build of " + client_text(moment.build->client) + " failed";
  if (!finding.step) return;
  if (finding.step->number != 0)
    finding.summary += " in step " + std::to_string(finding.step->number);
  if (!finding.step->stage.empty()) finding.summary += " of stage " + finding.step->stage;
}

void Detector::deploy(const tracker::Moment& moment, Finding& finding) {
  finding.rule = Rule::kImageDeploy;
  // One that was built here and came into a store by a load is both.
  const bool imported = moment.import && !moment.build;
  finding.severity = imported ? Severity::kLow : Severity::kMedium;
  const ContainerCreated& made = moment.deployment->container;
  if (moment.build) {
    const auto story = novel_.find(moment.build->id);
    if (story != novel_.end()) {
      finding.connection = story->second;
      finding.severity = Severity::kHigh;
    }
    if (remote_client(moment.build->client)) {
      add(finding, is_listed(moment.build->client) ? Severity::kInfo : Severity::kHigh,
          "client-remote", "the image was built for a remote client");
    }
  }
  if (made.privileged)
    add(finding, Severity::kCritical, "privileged", "the container is privileged");
  for (const std::string& bind : made.binds) {
    if (bind.starts_with("/"))
      add(finding, Severity::kCritical, "host-mount", "host path mounted: " + bind);
  }
  for (const std::string& ns : made.host_namespaces) {
    add(finding, Severity::kHigh, "host-namespace",
        "the container shares the host's " + ns + " namespace");
  }
  finding.summary =
      std::string("container ") +
      (moment.deployment->started ? "started from " : "created, not started so far, from ") +
      made.image;
  if (!made.pod.name.empty())
    finding.summary += " in pod " + made.pod.name_space + "/" + made.pod.name;
  if (moment.uncertain) {
    finding.summary += ", a name of an image built or imported here that may be another's by now";
    return;
  }
  if (imported) return deploy_import(*moment.import, finding);
  const TimeNs from = moment.build->ended != 0 ? moment.build->ended : moment.build->started;
  const TimeNs after = moment.time > from ? (moment.time - from) / 1'000'000'000 : 0;
  add(finding, Severity::kMedium, "deploy-soon-after-build",
      std::to_string(after) + " s after the build");
  finding.summary += ", built here for " + client_text(moment.build->client);
}

// In words: what was lost, how much, and what that means.
void Detector::blind(Finding& finding) {
  finding.rule = Rule::kSensorBlind;
  finding.severity = Severity::kMedium;
  for (const Reason& reason : finding.reasons) {
    if (reason.code == "build-open") continue;
    if (!finding.summary.empty()) finding.summary += "; ";
    finding.summary += reason.text;
  }
  if (finding.health && finding.health->count > 1)
    finding.summary += " (" + std::to_string(finding.health->count) + " times)";
}

std::optional<Finding> Detector::judge(const tracker::Moment& moment) {
  if (moment.kind == tracker::MomentKind::kHostEgress) {
    meet_elsewhere(moment);
    return std::nullopt;
  }
  Finding finding;
  finding.time = moment.time;
  finding.build = moment.build;
  finding.step = moment.step;
  finding.connection = moment.connection;
  finding.image = moment.image;
  finding.deployment = moment.deployment;
  finding.health = moment.health;
  finding.import = moment.import;
  finding.reasons = moment.reasons;
  const policy::Exception* excepted = exception(moment);
  std::optional<Severity> most = Severity::kCritical;
  switch (moment.kind) {
    case tracker::MomentKind::kBuildRequest:
      request(moment, finding);
      if (moment.build->status == BuildStatus::kRefused) most = Severity::kInfo;
      break;
    case tracker::MomentKind::kBuildEgress:
      most = egress(moment, finding, excepted);
      if (!most) return std::nullopt;
      break;
    case tracker::MomentKind::kBuildFailed:
      failed(moment, finding);
      break;
    case tracker::MomentKind::kImageDeploy:
      deploy(moment, finding);
      break;
    case tracker::MomentKind::kBlind:
      blind(finding);
      break;
    case tracker::MomentKind::kImageImport:
      import(moment, finding);
      break;
    case tracker::MomentKind::kHostEgress:
      break;
  }
  weigh(finding, *most, excepted);
  finding.id = tracker::short_hash(boot_id_ + "|" + std::to_string(moment.call.conn) + "|" +
                                   std::to_string(moment.call.number) + "|" +
                                   std::to_string(static_cast<int>(finding.rule)) + "|" +
                                   moment.key + (is_denied(finding) ? "/denied" : ""));
  return finding;
}

}  // namespace kilnwatch::detect
