// Containers of images that were built or imported here, or that another host built.
#include <algorithm>
#include <array>
#include <string_view>

#include "detect/detector.h"
#include "detect/powers.h"
#include "detect/reasons.h"
#include "detect/shapes.h"
#include "policy/match.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

// By what it gives: nothing, something to read, the host.
using Keys = std::array<std::string_view, 3>;
constexpr Keys kMount = {"host-mount/folder", "host-mount/reads", "host-mount"};
constexpr Keys kDevice = {"host-device/other", "host-device/reads", "host-device"};
std::string_view key_of(Gives gives, const Keys& keys) {
  return keys[static_cast<std::size_t>(gives)];
}

// What the container may do to its host.
void tell_powers(Finding& finding, const ContainerCreated& made) {
  if (made.privileged) tell(finding, "privileged");
  for (const std::string& bind : made.binds) {
    if (bind.starts_with("/")) tell(finding, key_of(mount_gives(bind), kMount), bind);
  }
  if (made.left_out > 0) tell(finding, "host-mount/unread", std::to_string(made.left_out));
  for (const std::string& from : made.volumes_from) tell(finding, "volumes-from", from);
  for (const std::string& device : made.devices)
    tell(finding, key_of(device_gives(device), kDevice), device);
  for (const std::string& capability : made.capabilities) {
    const bool all = made.privileged && is_takeover_capability(capability);
    if (all || takes_over(capability, made)) tell(finding, "capability", capability);
  }
  for (const std::string& what : made.unconfined)
    tell(finding, what == "read-only-paths" ? "unconfined/settings" : "unconfined", what);
  // With the others alone nobody takes the host over.
  for (const std::string& ns : made.host_namespaces)
    tell(finding, ns == "pid" ? "host-namespace" : "host-namespace/beside", ns);
}

// What was fetched is executed by a later step, or when the image runs: by the Dockerfile.
void tell_started(Finding& finding, const Build& build, const Story& story) {
  if (!story.executed.empty()) return;
  for (const ChainLink& link : story.chain.links) {
    const std::string instruction = starts_fetched(build, link.connection);
    if (instruction.empty()) continue;
    return tell(finding, "payload-executed",
                instruction + ", fetched from " + text_of(link.connection.destination));
  }
}

}  // namespace

// Over the network. `part`: in what it did.
void Detector::asked_by(Finding& finding, const Client& client, const char* part) const {
  const std::string as = is_listed(client) ? "/listed" : part;
  if (client.transport == Transport::kTcp) tell(finding, "client-tcp" + as, client.address.ip);
  if (remote_client(client)) tell(finding, "client-remote" + as, client.address.ip);
}

// Out of a container: who sits in it has the engine, and so the host.
void Detector::starts_beside(Finding& finding, const Deployment& deployment) const {
  const Client& client = deployment.client;
  if (!client_in_other_container(client, deployment.engine_container_id)) return;
  const policy::Client* entry = policy::find(policy_.clients, client);
  const bool listed = entry != nullptr && !entry->container.empty();
  tell(finding, listed ? "client-in-container/listed" : "client-in-container/starter",
       client.container_id);
}

// How the build of the image leads to this.
void Detector::deploy_build(const Build& build, Finding& finding) {
  const Story* story = chains_.find(build.id);
  if (story != nullptr) {
    tell_chain(finding, *story);
    tell_started(finding, build, *story);
  }
  asked_by(finding, build.client, "/maker");
  const TimeNs from = build.ended != 0 ? build.ended : build.started;
  const TimeNs after = finding.time > from ? finding.time - from : 0;
  const bool soon = after <= policy_.deploy_soon.value_or(kDeploySoon);
  tell(finding, soon ? "deploy-soon-after-build" : "deploy-after-build",
       std::to_string(after / kSecond));
  if (!soon) return;
  std::string unpacked = build.dockerfile ? unpacked_root(*build.dockerfile) : std::string();
  if (unpacked.empty() && story != nullptr && !story->unpacked.empty())
    unpacked = *story->unpacked.begin();
  if (!unpacked.empty()) tell(finding, "unpacked-deployed", unpacked);
}

bool Detector::deploy(const tracker::Moment& moment, const Answer& answer, Finding& finding) {
  // One that was built here and came into a store by a load is both.
  const bool imported = moment.import && !moment.build;
  const ContainerCreated& made = moment.deployment->container;
  tell_powers(finding, made);
  finding.summary =
      std::string("container ") +
      (moment.deployment->started ? "started from " : "created, not started so far, from ") +
      made.image;
  if (!made.pod.name.empty())
    finding.summary += " in pod " + made.pod.name_space + "/" + made.pod.name;
  asked_by(finding, moment.deployment->client, "/starter");
  starts_beside(finding, *moment.deployment);
  if (moment.uncertain) {
    // Whoever brings an image under its name, or begins to, must not have the story forgotten.
    for (const std::string& build : moment.other_builds) {
      if (const Story* story = chains_.find(build)) tell_possible_chain(finding, build, *story);
    }
    finding.summary += ", a name of an image built or imported here that may be another's by now";
    return true;
  }
  if (moment.build) {
    deploy_build(*moment.build, finding);
    finding.summary += ", built here for " + client_text(moment.build->client);
    return true;
  }
  const bool foreign = !moment.foreign.empty() && deploy_foreign(moment, answer, finding);
  if (imported) deploy_import(*moment.import, finding);
  return foreign || imported;
}

}  // namespace kilnwatch::detect
