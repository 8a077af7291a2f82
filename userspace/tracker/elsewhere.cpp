// Connections of this host that are no build step's. Nothing is told of them: where they went is
// known to the host. Whether one is a step's, of this engine or of one in a container, shows within
// kEgressWait; what a step reached must not be known by that alone before it is judged.
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

void Tracker::await_elsewhere(const EgressStarted& event) {
  if (elsewhere_.contains(event.egress)) return;
  if (elsewhere_.size() >= kMaxElsewhere) {
    ++counters_.unknown_to_host;
    return;
  }
  Elsewhere flow;
  flow.connection.time = event.time;
  flow.connection.protocol = event.protocol;
  flow.connection.destination = event.destination;
  flow.connection.process.pid = event.process.pid;
  elsewhere_.emplace(event.egress, std::move(flow));
  // After the deadline of a step's.
  timers_.at(event.time + kEgressWait + 1,
             [this, id = event.egress](TimeNs due) { tell_elsewhere(id, due); });
}

void Tracker::name_elsewhere(const EgressPayload& event) {
  const auto it = elsewhere_.find(event.egress);
  if (it != elsewhere_.end()) read_payload(event.bytes, it->second.claims);
}

void Tracker::tell_elsewhere(EgressId id, TimeNs due) {
  const auto it = elsewhere_.find(id);
  if (it == elsewhere_.end()) return;
  Elsewhere& flow = it->second;
  if (!flow.named) tell_claims(std::move(flow.claims), flow.connection);
  if (!flow.named && is_engines(id, flow.connection.process.pid)) {
    flow.named = true;
    name_engine_call(id, flow.connection);
    // What the engine fetched must not be known by that alone before it is judged, either.
    timers_.at(due + kEgressWait, [this, id](TimeNs later) { tell_elsewhere(id, later); });
    return;
  }
  Moment moment;
  moment.kind = MomentKind::kHostEgress;
  moment.time = due;
  moment.egress = id;
  moment.connection = std::move(flow.connection);
  elsewhere_.erase(it);
  tell(std::move(moment));
}

}  // namespace kilnwatch::tracker
