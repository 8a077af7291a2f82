// Connections of containers, on their way to a step.
#include <netinet/in.h>

#include <algorithm>

#include "tracker/address.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

void Tracker::try_decide(EgressId id, TimeNs time, bool last) {
  const auto it = flows_.find(id);
  if (it == flows_.end()) return;
  const Flow& flow = it->second;
  Container* container = containers_.find(flow.container);
  if (container == nullptr || !could_be_step(*container)) return drop_flow(id);
  if (!flow.ripe && !last) return;
  Owner owner = owner_of(*container, last);
  if (owner.run == nullptr) {
    if (!last) return;
    blind_egress(flow, *container, time);
    return drop_flow(id);
  }
  // What comes within the wait may tell the candidates apart.
  if (owner.step.attribution == Attribution::kAmbiguous && !last) return;
  for (Run* run : owner.runs) {
    if (!run->reported) report_request(*run, time);
  }
  if (!stays_inside(flow, owner)) report_egress(flow, std::move(owner), time);
  drop_flow(id);
}

void Tracker::decide_waiting(Container& container, TimeNs time) {
  const auto waiting = container.waiting;  // deciding takes from it
  for (const EgressId id : waiting) try_decide(id, time, false);
}

void Tracker::drop_flow(EgressId id) {
  const auto it = flows_.find(id);
  if (it == flows_.end()) return;
  Container* container = containers_.find(it->second.container);
  if (container != nullptr) container->waiting.erase(id);
  flows_.erase(it);
}

// An engine's listener is reached on any address of its host: loopback, and each one that was seen
// to reach an engine, counts with each port that did.
bool Tracker::is_engine(const Endpoint& to) const {
  if (outer_ != nullptr) return outer_->is_engine(to);
  return (is_loopback(to.ip) || engine_ips_.contains(to.ip)) && engine_ports_.contains(to.port);
}

// What the host's configuration names it names for all. It may change.
void Tracker::note_resolver(const DnsAnswered& event) {
  if (event.loopback || event.stream) return;  // nothing is known of these
  if (!event.configured)
    resolvers_.erase(event.resolver.ip);
  else if (resolvers_.size() < kMaxResolvers)
    resolvers_.insert(event.resolver.ip);
}

bool Tracker::is_resolver(const Endpoint& to) const {
  if (outer_ != nullptr) return outer_->is_resolver(to);
  constexpr std::uint16_t kDns = 53;
  return to.port == kDns && resolvers_.contains(to.ip);
}

// The build is not named, and nothing leaves the step, whichever it is.
bool Tracker::stays_inside(const Flow& flow, const Owner& owner) const {
  const Endpoint& to = flow.egress.destination;
  const bool unnamed = owner.runs.size() > 1 || owner.unsure;
  Step unsure = owner.step;
  unsure.attribution = Attribution::kAmbiguous;
  return unnamed && !is_engine(to) && !is_engine_port(to.port) &&
         std::all_of(owner.runs.begin(), owner.runs.end(), [&](const Run* run) {
           return own_loopback(run->build, unsure, owner.reasons, to.ip);
         });
}

void Tracker::report_egress(const Flow& flow, Owner owner, TimeNs time) {
  Moment moment;
  moment.kind = MomentKind::kBuildEgress;
  moment.time = time;
  const bool one = owner.runs.size() == 1 && !owner.unsure;
  if (one) moment.call = owner.run->build.request.call;
  Connection connection;
  connection.time = flow.egress.time;
  connection.protocol = flow.egress.protocol;
  connection.destination = flow.egress.destination;
  connection.outcome = flow.egress.outcome;
  connection.process = flow.egress.process;
  connection.ancestors = flow.ancestors;
  tell_claims(flow.claims, connection);
  connection.dns_names = names_of(flow, owner);
  const Container* container = containers_.find(flow.container);
  const bool named = container == nullptr || container->above.empty() || container->named;
  owner.step.container_id = named ? flow.container : owner.run->build.container_id;
  owner.step.cgroup = flow.egress.process.cgroup.path;
  moment.key = flow.container + "/" + connection.destination.ip + "/" +
               std::to_string(connection.destination.port);
  // One address may be asked by both (DNS).
  if (connection.protocol == IPPROTO_UDP) moment.key += "/udp";
  moment.place = flow.container;
  moment.egress = flow.egress.egress;
  elsewhere_.erase(moment.egress);
  moment.to_engine = is_engine(connection.destination);
  moment.to_resolver = is_resolver(connection.destination);
  if (one) moment.build = owner.run->build;
  owner.shared.insert(owner.shared.end(), owner.runs.begin(), owner.runs.end());
  for (const Run* run : owner.shared) {
    auto& others = moment.other_builds;
    const bool known = (one && run == owner.run) ||
                       std::find(others.begin(), others.end(), run->build.id) != others.end();
    if (!known) others.push_back(run->build.id);
  }
  moment.step = std::move(owner.step);
  moment.connection = std::move(connection);
  moment.reasons = std::move(owner.reasons);
  tell(std::move(moment));
}

// Part of the story of a build, and told by itself nowhere.
void Tracker::note_execution(const Container& container, const ProcessExecuted& event) {
  if (!container.reached_out || runs_.empty() || !could_be_step(container)) return;
  if (!executions_.note(container.id, event)) return;
  timers_.at(event.time + kEgressWait + 1, [this](TimeNs due) { tell_executions(due); });
}

// Those that waited long enough, or all: a deployment closes the story now.
void Tracker::tell_executions(std::optional<TimeNs> due) {
  while (auto moment = executions_.take(due)) tell(std::move(*moment));
  counters_.executions_refused = executions_.refused();
}

}  // namespace kilnwatch::tracker
