// What the user's configuration says of a finding. Without one nothing here changes anything.
#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "detect/detector.h"
#include "detect/names.h"
#include "detect/reasons.h"
#include "detect/shapes.h"
#include "policy/match.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

// The client that an exception speaks of: whose doing the finding is. Null: nobody's.
const Client* client_of(const tracker::Moment& moment) {
  if (moment.deployment) return &moment.deployment->client;
  if (moment.import) return &moment.import->client;
  return moment.build ? &moment.build->client : nullptr;
}

// What a FROM names, without its flags: `FROM --platform=$BUILDPLATFORM alpine AS a` → `alpine`.
std::string_view image_of(std::string_view from) {
  bool keyword = true;
  while (!from.empty()) {
    const std::size_t begin = std::min(from.find_first_not_of(" \t"), from.size());
    const std::size_t end = std::min(from.find_first_of(" \t", begin), from.size());
    const std::string_view word = from.substr(begin, end - begin);
    if (!keyword && !word.starts_with("--")) return word;
    keyword = false;
    from.remove_prefix(end);
  }
  return {};
}

// The first FROM with a variable, where the request gave a value to one that a FROM can hang on:
// those before the first FROM. Such values are not kept. Null: none.
const Instruction* depends_on_request(const Build& build) {
  const auto& all = build.dockerfile->instructions;
  const auto& given = build.request.build_arg_names;
  const auto names_one = [&](const Instruction& instruction) {
    return std::any_of(given.begin(), given.end(), [&](const std::string& name) {
      return !name.empty() && instruction.text.find(name) != std::string::npos;
    });
  };
  bool global = true;
  bool may_hang = false;
  for (const Instruction& instruction : all) {
    if (instruction.is_from) global = false;
    may_hang = may_hang || ((global || instruction.is_from) && names_one(instruction));
    if (may_hang && instruction.is_from &&
        image_of(instruction.text).find('$') != std::string_view::npos)
      return &instruction;
  }
  return nullptr;
}

}  // namespace

// Where a client that asked for something stands. One on the list may come over TCP; that it runs
// in a container is expected where its entry names the container.
void Detector::client_place(Finding& finding, const Client& client, const std::string& home) const {
  const policy::Client* entry = policy::find(policy_.clients, client);
  const std::string listed = entry != nullptr ? "/listed" : "";
  const bool container_listed = entry != nullptr && !entry->container.empty();
  if (client.transport == Transport::kTcp) tell(finding, "client-tcp" + listed, client.address.ip);
  if (remote_client(client)) tell(finding, "client-remote" + listed, client.address.ip);
  if (client_in_other_container(client, home)) {
    tell(finding, container_listed ? "client-in-container/listed" : "client-in-container",
         client.container_id);
  }
  if (entry != nullptr) {
    tell(finding, "allowed-client", entry->text);
  } else if (!policy_.clients.empty()) {
    tell(finding, unknown_client(client) ? "client-not-allowed/unknown" : "client-not-allowed",
         client_text(client));
  }
}

bool Detector::is_listed(const Client& client) const {
  return policy::find(policy_.clients, client) != nullptr;
}

void Detector::base_registries(const Build& build, Finding& finding) const {
  if (policy_.registries.empty()) return;
  const auto judge = [&](const std::vector<std::string>& images, std::string_view key) {
    std::size_t named = 0;
    for (const std::string& image : images) {
      if (policy::of_registry(policy_.registries, image)) continue;
      if (++named <= kMaxNamed) tell(finding, key, image);
    }
    if (named > kMaxNamed)
      tell(finding, key, "and " + std::to_string(named - kMaxNamed) + " others");
  };
  judge(build.base_images, "registry-not-allowed");
  if (build.dockerfile) judge(images_beside(*build.dockerfile), "registry-not-allowed/beside");
  if (build.dockerfile && !build.dockerfile->whole) return tell(finding, "registry-unknown/long");
  const bool known = build.dockerfile || !build.base_images.empty();
  if (!known) tell(finding, "registry-unknown");
  const Instruction* from = build.dockerfile ? depends_on_request(build) : nullptr;
  if (from != nullptr) tell(finding, "registry-unknown/argument", from->text);
}

// By any of its names: whoever lies about one is no better than who says it.
const policy::Destination* Detector::denied_by(const Connection& connection,
                                               const std::string& claim) const {
  const auto* entry = policy::find(policy_.deny, connection.destination, claim);
  for (const DnsName& name : connection.dns_names) {
    if (entry != nullptr) break;
    entry = policy::find(policy_.deny, connection.destination, name.name);
  }
  return entry;
}

// By its address, or by a name that DNS verified. Where several may be meant all must be allowed.
const policy::Destination* Detector::allowed_by(const Connection& connection) const {
  const Endpoint& to = connection.destination;
  const auto* entry = policy::find(policy_.allow, to, {});
  if (entry != nullptr) return entry;
  for (const std::string& name : verified_names(connection)) {
    entry = policy::find(policy_.allow, to, name);
    if (entry == nullptr) return nullptr;
  }
  return entry;
}

const policy::Exception* Detector::exception(const tracker::Moment& moment, Rule rule) const {
  const Client* client = client_of(moment);
  for (const policy::Exception& entry : policy_.exceptions) {
    if (entry.rule != rule || moment.time + wall_offset_ >= entry.end) continue;
    if (entry.client && (client == nullptr || !policy::is_client(*entry.client, *client))) continue;
    if (entry.destination &&
        (!moment.connection ||
         !policy::covers(*entry.destination, moment.connection->destination, {})))
      continue;
    return &entry;
  }
  return nullptr;
}

// What the configuration makes of the severity that the reasons gave.
void Detector::override_severity(Finding& finding, const policy::Exception* exception) const {
  if (const auto set = policy_.severity.find(finding.rule); set != policy_.severity.end()) {
    finding.severity = std::min(set->second, bound_of(finding));
    tell(finding, "severity-set");
  }
  if (exception == nullptr) return;
  finding.severity = std::min(finding.severity, exception->severity);
  tell(finding, "exception",
       exception->owner + " answers for it until " + exception->expires + ": " + exception->reason);
}

}  // namespace kilnwatch::detect
