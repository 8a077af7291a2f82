// What resolvers answer to containers and to the host, on its way to the names of connections.
#include <algorithm>

#include "identity/container.h"
#include "tracker/step_flags.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

// Whether somebody in league with the step may answer under any resolver's address: on a network
// that a client made, any address may be a container's; on the host's, see below.
bool could_be_resolver(const BuildRequested& request) {
  const std::string& mode = request.network_mode;
  return !mode.empty() && mode != "default" && mode != "bridge";
}

// A step without confinement may change its network, so that an address leads anywhere.
bool is_unconfined(const BuildRequested& request) {
  const auto& asked = request.entitlements;
  return std::find(asked.begin(), asked.end(), "security.insecure") != asked.end();
}

// Whether a step may send on the host's own interfaces, under any address: what comes back from the
// next router is then as if from the resolver.
bool may_speak_for_others(const Build& build) {
  const auto& asked = build.request.entitlements;
  if (build.request.network_mode == "host" || is_unconfined(build.request) ||
      std::find(asked.begin(), asked.end(), "network.host") != asked.end())
    return true;
  if (!build.dockerfile) return false;
  const auto& all = build.dockerfile->instructions;
  return std::any_of(all.begin(), all.end(), [](const Instruction& one) {
    return one.is_run && has_host_network(one.text);
  });
}

}  // namespace

// buildkitd may be told to give each step the host's network; of that no request speaks.
void Tracker::note_network(const Container& container, std::uint32_t net) {
  if (outer_ == nullptr && heard_.is_host(net) && identity::is_buildkit_step(container.id))
    on_host_.insert(container.id);
}

// What the host hears now.
bool Tracker::may_be_forged() {
  std::erase_if(on_host_, [&](const auto& id) { return containers_.find(id) == nullptr; });
  return !on_host_.empty() || std::any_of(runs_.begin(), runs_.end(), [](const auto& entry) {
    return may_speak_for_others(entry.second.build);
  });
}

void Tracker::see(const DnsAnswered& event) {
  if (outer_ == nullptr) note_resolver(event);
  Containers::Met met;
  if (event.process.pid != 0) {
    met = meet(event.process, event.time, false);
    containers_.note_cgroup(event.process.cgroup);
  }
  if (event.heard) heard_.note_net(event.net);
  if (met.container != nullptr) note_network(*met.container, event.net);
  // Within an engine in a container nobody asks for it.
  if (outer_ == nullptr && event.heard && !may_be_forged()) {
    const auto before = heard_.refused();
    heard_.note(event);
    counters_.names_refused += heard_.refused() - before;
  }
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
  const bool on_host = heard().is_host(flow.egress.net);
  for (const Run* run : owner.runs) {
    const BuildRequested& request = run->build.request;
    const bool unconfined = is_unconfined(request);
    const bool by_hearing =
        could_be_resolver(request) || on_host || may_speak_for_others(run->build);
    for (DnsName& name : names) {
      name.heard = name.heard && !unconfined;
      if (by_hearing) name.verified = name.heard;
    }
  }
  return names;
}

}  // namespace kilnwatch::tracker
