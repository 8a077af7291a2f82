#include "policy/notes.h"

#include <utility>

namespace kilnwatch::policy {

std::vector<std::string> notes(const Policy& policy, std::uint64_t now) {
  std::vector<std::string> out;
  for (const Exception& exception : policy.exceptions) {
    if (now < exception.end) continue;
    out.push_back("the exception of " + exception.owner + " in line " +
                  std::to_string(exception.line) + " ended with " + exception.expires +
                  " and does nothing; renew or remove it");
  }
  if (policy.learn_for.value_or(0) != 0) {
    out.push_back(
        "baseline.learn_for: until a new baseline is that old, connections of build steps to "
        "destinations never seen before are INFO; remove it once that is over");
  }
  if (policy.store && !policy.store->url.tls) {
    out.push_back("baseline.store: " + policy.store->url.text +
                  " sends the password as it is, and whoever is on the way can make destinations "
                  "known; write rediss:// where it leaves this host");
  }
  for (const Destination& entry : policy.allow) {
    if (entry.domain.empty() && !entry.network) {
      out.push_back("destinations.allow: " + entry.text +
                    " alone allows every address there is; name networks with it");
    }
    if (entry.domain.empty()) continue;
    out.push_back("destinations.allow: " + entry.text +
                  " lowers only what this host's own resolver gave that name to, never what the "
                  "connecting process claims; networks are surer");
  }
  return out;
}

std::string summary(const Policy& policy) {
  const std::pair<std::size_t, const char*> counts[] = {
      {policy.registries.size(), "registries"},    {policy.allow.size(), "allowed destinations"},
      {policy.deny.size(), "denied destinations"}, {policy.clients.size(), "clients"},
      {policy.severity.size(), "severities"},      {policy.exceptions.size(), "exceptions"},
      {policy.tactics.size(), "tactics"}};
  const int windows = (policy.deploy_window ? 1 : 0) + (policy.deploy_soon ? 1 : 0);
  std::string out = windows > 0 ? "windows " + std::to_string(windows) : "";
  if (policy.learn_for || policy.expire_after || policy.store) {
    const int set =
        (policy.learn_for ? 1 : 0) + (policy.expire_after ? 1 : 0) + (policy.store ? 1 : 0);
    out += (out.empty() ? "" : ", ") + std::string("baseline ") + std::to_string(set);
  }
  for (const auto& [count, name] : counts) {
    if (count == 0) continue;
    out += (out.empty() ? "" : ", ") + std::string(name) + " " + std::to_string(count);
  }
  return out.empty() ? "nothing" : out;
}

}  // namespace kilnwatch::policy
