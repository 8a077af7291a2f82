// What resolvers answer to containers and to the host, on its way to the names of connections.
#include <algorithm>

#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

// Whether somebody in league with the step may answer under any resolver's address: on a network
// that a client made, any address may be a container's.
bool could_be_resolver(const BuildRequested& request) {
  const std::string& mode = request.network_mode;
  return !mode.empty() && mode != "default" && mode != "bridge" && mode != "host";
}

// A step without confinement may change its network, so that an address leads anywhere.
bool is_unconfined(const BuildRequested& request) {
  const auto& asked = request.entitlements;
  return std::find(asked.begin(), asked.end(), "security.insecure") != asked.end();
}

// Whether a step may send on the host's own interfaces, under any address: what comes back from the
// next router is then as if from the resolver.
bool may_speak_for_others(const BuildRequested& request) {
  const auto& asked = request.entitlements;
  return request.network_mode == "host" || is_unconfined(request) ||
         std::find(asked.begin(), asked.end(), "network.host") != asked.end();
}

}  // namespace

void Tracker::see(const DnsAnswered& event) {
  if (outer_ == nullptr) note_resolver(event);
  if (event.heard && std::none_of(runs_.begin(), runs_.end(), [](const auto& entry) {
        return may_speak_for_others(entry.second.build.request);
      })) {
    const auto before = heard_.refused();
    heard_.note(event);
    counters_.names_refused += heard_.refused() - before;
  }
  if (event.process.pid == 0) return;
  const auto met = meet(event.process, event.time, false);
  containers_.note_cgroup(event.process.cgroup);
  if (met.container == nullptr) return;
  if (met.fresh) consider(*met.container);
  // As with connections. A host with many busy services would have no room for a step's.
  if (runs_.empty() || !could_be_step(*met.container)) return;
  const auto before = dns_names_.refused();
  dns_names_.note(met.container->id, event);
  counters_.names_refused += dns_names_.refused() - before;
}

// Of the address that a step connects to.
std::vector<DnsName> Tracker::names_of(const Flow& flow, const Owner& owner) const {
  auto names = dns_names_.of(flow.container, flow.egress.net, flow.egress.destination.ip,
                             flow.egress.time, heard());
  for (const Run* run : owner.runs) {
    const BuildRequested& request = run->build.request;
    for (DnsName& name : names) {
      name.heard = name.heard && !is_unconfined(request);
      if (is_unconfined(request) || could_be_resolver(request)) name.verified = name.heard;
    }
  }
  return names;
}

}  // namespace kilnwatch::tracker
