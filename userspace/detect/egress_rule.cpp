// Connections of a build's steps.
#include <algorithm>

#include "base/secrets.h"
#include "detect/detector.h"
#include "detect/names.h"
#include "detect/reasons.h"
#include "detect/shapes.h"
#include "policy/match.h"
#include "tracker/address.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

// What the step does with the connection, as far as processes and their arguments show it.
void tell_shapes(Finding& finding, const std::string& shell) {
  const std::uint16_t port = finding.connection->destination.port;
  if (is_mining_port(port)) tell(finding, "mining-port", std::to_string(port));
  if (!shell.empty()) tell(finding, "reverse-shell", shell);
  const std::string piped = pipe_to_shell(finding.step->instruction);
  if (!piped.empty()) tell(finding, "fetch-to-shell", piped);
}

// What it fetched before is what connects now, itself or by a process below it.
void tell_payload(Finding& finding, const Story& story, const std::string& place) {
  const Connection& connection = *finding.connection;
  for (const ChainLink& link : story.chain.links) {
    if (link.place != place || link.connection.time >= connection.time) continue;
    std::string what = executes_fetched(connection.process, link.connection);
    for (const std::string& exe : connection.ancestors) {
      if (!what.empty()) break;
      Process above;
      above.exe = exe;
      what = executes_fetched(above, link.connection);
    }
    if (what.empty()) continue;
    return tell(finding, "payload-executed", what);
  }
}

}  // namespace

std::optional<bool> Detector::egress(const tracker::Moment& moment, Finding& finding,
                                     const policy::Exception* exception, const Answer& answer) {
  Connection& connection = *finding.connection;
  const Connection plain = connection;  // held against the list of what is denied, and told nowhere
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
  const bool known_name = meet(moment, answer, connection);
  const bool novel = is_novel(connection);
  const bool metadata = is_metadata(to.ip, to.port);
  // A claim is enough to be denied, and never enough to be allowed.
  const policy::Destination* denied = denied_by(plain, claimed_name(plain));
  if (!novel && !engine && !metadata && denied == nullptr) return std::nullopt;
  // One alert for each step container and destination, also where every connection is wrong, and
  // one more where it is denied by a name that only came later.
  const std::string told = moment.key + (denied != nullptr ? "/denied" : "");
  if (told_.contains(told)) return std::nullopt;
  told_.insert(told);
  const policy::Destination* allowed =
      engine || metadata || denied != nullptr ? nullptr : allowed_by(connection);
  if (engine) tell(finding, "engine-api", where);
  if (metadata) tell(finding, "cloud-metadata", where);
  if (denied != nullptr) add_denied(finding, to, *denied);
  add_novelty(finding, answer, where, known_name);
  const std::string shell = reverse_shell(connection, *finding.step);
  // What a baseline is to learn is no shell's.
  if (is_learning(moment) && !engine && !metadata && denied == nullptr && shell.empty())
    tell(finding, "learning");
  if (moment.to_resolver && !engine && !metadata && denied == nullptr)
    tell(finding, "host-resolver", to.ip);
  add_name(finding, name);
  tell_shapes(finding, shell);
  if (moment.build) {
    if (const Story* story = chains_.find(moment.build->id))
      tell_payload(finding, *story, moment.place);
  }
  if (allowed != nullptr) {
    tell(finding, "allowed-destination", where + ": " + allowed->text);
  } else if (const auto* entry =
                 policy::find(policy_.allow, to, name.empty() ? connection.dns_name.name : name);
             entry != nullptr && !entry->domain.empty()) {
    tell(finding, "allowed-name-unverified", entry->text);
  }
  const std::uint32_t number = finding.step->number;
  finding.summary = (number != 0 ? "build step " + std::to_string(number) : "a build step") +
                    (moment.build ? "" : " of a build that is not known for certain") +
                    " connected to " + where;
  return exception == nullptr;
}

}  // namespace kilnwatch::detect
