#include "tracker/tracker.h"

#include <netinet/in.h>

#include <algorithm>

#include "identity/container.h"
#include "tracker/address.h"
#include "tracker/scopes.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

template <class Fact>
ConnId conn_in(const Fact& fact) {
  if constexpr (requires { fact.call; }) {
    return fact.call.conn;
  } else {
    return fact.conn;
  }
}

// What an engine has another engine do for it is told by its own conversation, but for what content
// is stored.
template <class Fact>
constexpr bool is_of_any_client = std::is_same_v<std::remove_cvref_t<Fact>, domain::ManifestStored>;

}  // namespace

void Tracker::observe(const Event& event) {
  now_ = std::max(now_, time_of(event));
  // Deadlines that lie before this event are decided on what was known then: whether a Tick came in
  // between makes no difference, so a replay decides as the live run did.
  run_timers(now_);
  processes_.observe(event);
  steps_.observe(event, processes_);
  std::visit([this](const auto& e) { see(e); }, event);
  for (const auto& [home, inner] : inner_) {
    inner->observe_inside(event, now_);
    collect(*inner);
  }
  note_refusals();
}

void Tracker::learn(const ApiFact& fact) {
  const auto take = [&](const auto& f) {
    if (!is_of_any_client<decltype(f)> && asked_by_engine(conn_in(f))) return;
    const std::string home = engine_home(conn_in(f));
    if (home.empty()) return on(f);
    Tracker* inner = inner_at(home);
    if (inner == nullptr) return;
    inner->learn(fact);
    collect(*inner);
  };
  std::visit(take, fact);
}

void Tracker::finish() { run_timers(~TimeNs{0}); }

Held Tracker::held() const {
  Held sum{runs_.size(),  conns_.size(),   peers_.size(),        containers_.size(),
           flows_.size(), created_.size(), early_starts_.size(), timers_.size()};
  for (const auto& [home, inner] : inner_) {
    const Held more = inner->held();
    sum.builds += more.builds;
    sum.containers += more.containers;
    sum.flows += more.flows;
    sum.deploys += more.deploys;
    sum.early_starts += more.early_starts;
    sum.deadlines += more.deadlines;
  }
  return sum;
}

void Tracker::tell(Moment moment) {
  moment.time = std::min(moment.time, now_);  // at the end, deadlines lie ahead
  if (!home_.empty())
    moment.reasons.push_back({"nested-engine", "the engine runs in container " + home_});
  moments_.push_back(std::move(moment));
}

void Tracker::note_refusals() {
  const std::array<std::pair<const char*, std::uint64_t>, kRefusals> all = {{
      {"processes", processes_.refused() + steps_.refused()},
      {"containers", containers_.refused()},
      {"image-names", images_.refused() + podman_images_.refused() + exports_.refused()},
      {"images", images_.forgotten() + podman_images_.forgotten() + exports_.forgotten()},
      {"image-stores", stores_.refused()},
  }};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto [cause, n] = all[i];
    const auto before = std::exchange(refusals_told_[i], n);
    if (n > before) lose(cause, n - before, now_);
  }
}

std::optional<PeerKey> Tracker::peer_key(const ConnOpened& opened) {
  if (opened.transport == Transport::kUnix && opened.join == 0) return std::nullopt;
  return PeerKey{opened.join, opened.client, opened.server};
}

void Tracker::see(const ConnOpened& event) {
  const std::string home = meet_engine(event);
  if (event.transport == Transport::kTcp && !event.fetch && home.empty()) note_engine(event);
  if (conns_.contains(event.conn)) return;
  if (conns_.size() >= kMaxConnections) {
    evict_conn();
    lose("connection-table", 1, event.time);
  }
  Conn& conn = conns_[event.conn];
  conn.opened = event;
  conn.active = event.time;
  conn.home = home;
  const Process engine = engine_of(event);
  const bool podman = event.engine == EngineKind::kPodman;
  conn.store = podman ? store_of_command(engine) : store_of_dockerd(engine.uid);
  conn.uid = engine.uid;
  if (event.fetch && home.empty()) await_engine(event);
  const auto key = peer_key(event);
  if (!key || (peers_.size() >= kMaxPeers && !peers_.contains(*key))) return;
  conn.counted = true;
  ++peers_[*key].conns;
}

void Tracker::see(const ClientSeen& event) {
  containers_.note_cgroup(event.process.cgroup);
  const PeerKey key{event.join, event.client, event.server};
  if (peers_.size() >= kMaxPeers && !peers_.contains(key)) {
    return lose("client-table", 1, event.time);
  }
  Peer& peer = peers_[key];
  peer.seen = event;
  // /proc was read after the connect; an exec that the kernel saw before it is certain.
  Process& process = peer.seen->process;
  if (const Process* known = processes_.find_executed(process.pid, process.start);
      known != nullptr && process.start != 0 && !known->exe.empty()) {
    process.exe = known->exe;
  }
  if (std::exchange(sweeping_, true)) return;
  timers_.at(event.time + kPeerWait, [this](TimeNs due) { sweep_peers(due); });
}

// One deadline for all: however fast clients come and go, none is set for each.
void Tracker::sweep_peers(TimeNs due) {
  TimeNs next = ~TimeNs{0};
  for (auto it = peers_.begin(); it != peers_.end();) {
    const Peer& peer = it->second;
    const TimeNs over = peer.seen ? peer.seen->time + kPeerWait : due;
    if (peer.conns == 0 && over <= due) {
      it = peers_.erase(it);
      continue;
    }
    if (peer.conns == 0) next = std::min(next, over);
    ++it;
  }
  sweeping_ = next != ~TimeNs{0};
  if (!sweeping_) return;
  timers_.at(std::max(next, due + kSecond), [this](TimeNs at) { sweep_peers(at); });
}

void Tracker::see(const ConnData& event) {
  const auto it = conns_.find(event.conn);
  if (it == conns_.end()) {
    if (evicted_.contains(event.conn)) return;  // told before
    hidden_at_ = event.time;
    // Whose conversation it is, and what it says, is not known.
    stores_.doubt(event.time);
    for (auto& [home, inner] : inner_) inner->stores_.doubt(event.time);
    return lose("opening", 1, event.time);
  }
  it->second.active = std::max(it->second.active, event.time);
  if (event.direction == Direction::kResponse) it->second.answered = it->second.active;
  if (event.direction == Direction::kRequest) it->second.asked = true;
}

bool Tracker::has_open_build(ConnId conn) const {
  for (auto run = runs_.lower_bound({conn, 0}); run != runs_.end() && run->first.conn == conn;
       ++run) {
    if (run->second.build.ended == 0) return true;
  }
  return std::any_of(inner_.begin(), inner_.end(),
                     [&](const auto& entry) { return entry.second->has_open_build(conn); });
}

// The one that was idle for longest makes room: its close may have been lost. Fewer builds of the
// host are followed than connections: there is one without, or one of an engine in a container.
void Tracker::evict_conn() {
  static_assert(kMaxBuilds < kMaxConnections);
  auto idlest = conns_.end();
  for (const bool free : {true, false}) {
    for (auto it = conns_.begin(); it != conns_.end(); ++it) {
      const bool idler = idlest == conns_.end() || it->second.active < idlest->second.active;
      const bool may_go = free ? !has_open_build(it->first) : !it->second.home.empty();
      if (idler && may_go) idlest = it;
    }
    if (idlest != conns_.end()) break;
  }
  evicted_.insert(*idlest);
  if (evicted_.size() > kMaxConnections) evicted_.erase(evicted_.begin());
  drop_conn(idlest->first);
}

void Tracker::see(const ConnClosed& event) {
  // What it said last is told after this.
  if (evicted_.contains(event.conn))
    timers_.at(event.time + kLinger, [this, conn = event.conn](TimeNs) { evicted_.erase(conn); });
  const auto it = conns_.find(event.conn);
  if (it == conns_.end() || it->second.closed != 0) return;
  it->second.closed = event.time;
  timers_.at(event.time + kLinger, [this, conn = event.conn](TimeNs) { drop_conn(conn); });
}

void Tracker::drop_conn(ConnId conn) {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return;
  if (Tracker* inner = inner_at(it->second.home)) {
    inner->end_builds(conn, it->second.closed);
    collect(*inner);
  }
  end_builds(conn, it->second.closed);
  if (it->second.counted) {
    const auto peer = peers_.find(*peer_key(it->second.opened));
    if (peer != peers_.end() && --peer->second.conns == 0) peers_.erase(peer);
  }
  conns_.erase(it);
}

// Its end was not read: without a connection there is nobody to build for.
void Tracker::end_builds(ConnId conn, TimeNs closed) {
  for (auto run = runs_.lower_bound({conn, 0}); run != runs_.end() && run->first.conn == conn;
       ++run) {
    if (run->second.build.ended == 0) end(run->second, BuildStatus::kCancelled, closed);
  }
}

void Tracker::see(const ProcessExecuted& event) {
  const auto met = meet(event.process, event.time, true);
  containers_.note_cgroup(event.process.cgroup);
  note_stray_step(event.process, event.time);
  if (met.container == nullptr) return;
  if (met.fresh || met.told) consider(*met.container);
  if (met.told) note_start(*met.container, event.time);
  if (met.told && !event.midway) await_creation(*met.container, event.time);
  note_execution(*met.container, event);
}

Containers::Met Tracker::meet(const Process& process, TimeNs time, bool exec) {
  const auto step = steps_.step_of(process);
  // A step of nobody's may be anything that calls itself so: its cgroup says where it belongs.
  const bool known = step != nullptr && is_ours(*step);
  return containers_.meet(process, time, exec, processes(), known ? step.get() : nullptr);
}

void Tracker::see(const ProcessExited& event) {
  const Container* container = containers_.exit(event.pid, event.start, event.time);
  if (container == nullptr) return;
  timers_.at(event.time + kLinger, [this, id = container->id](TimeNs due) { let_go(id, due); });
}

// In a chroot, and in kaniko's container, nothing ends what a step left running: it is the step's
// for as long as it runs.
void Tracker::let_go(const std::string& id, TimeNs due) {
  const Container* container = containers_.find(id);
  if (container == nullptr) return;
  // It was started anew.
  if (container->exited == 0 || container->exited + kLinger > due) return;
  if (container->above.empty() || !steps_.has_members(id) || due > now_) {
    dns_names_.forget(id);
    return containers_.forget(id);
  }
  timers_.at(due + kLinger, [this, id](TimeNs at) { let_go(id, at); });
}

void Tracker::note_egress(EgressId id) {
  begun_.insert(id);
  if (begun_.size() <= kMaxEgress) return;
  begun_.erase(begun_.begin());
  begun_all_ = false;
}

void Tracker::check_egress(EgressId id, TimeNs time) {
  if (outer_ != nullptr || begun_.contains(id) || (!begun_all_ && id < *begun_.begin())) return;
  lose("egress-beginning", 1, time);
  note_egress(id);
}

void Tracker::see(const EgressStarted& event) {
  if (outer_ == nullptr) note_egress(event.egress);
  const auto met = meet(event.process, event.time, false);
  containers_.note_cgroup(event.process.cgroup);
  // A container's loopback is its own.
  if (outer_ == nullptr && (met.container == nullptr || !is_loopback(event.destination.ip)))
    await_elsewhere(event);
  if (outer_ == nullptr && met.container == nullptr) await_below(event);
  if (met.container == nullptr) return;
  if (met.fresh) consider(*met.container);
  if (!identity::is_buildkit_step(met.container->id) && !is_loopback(event.destination.ip))
    api_containers_.connected(met.container->id, event.destination);
  // Only builds make connections worth following, and only containers that could be steps.
  if (runs_.empty() || !could_be_step(*met.container)) return;
  note_network(*met.container, event.net);
  met.container->reached_out = true;
  if (flows_.size() >= kMaxEgress) return lose("connects", 1, event.time);
  const bool ripe = event.outcome == Outcome::kRefused || event.outcome == Outcome::kTimedOut;
  if (flows_.contains(event.egress)) return;
  // Now: who connected, and who is above it, may execute something else before the decision.
  Flow flow{event, {}, met.container->id, {}, ripe};
  processes().complete(flow.egress.process);
  flow.ancestors = processes().ancestors(flow.egress.process);
  flows_.emplace(event.egress, std::move(flow));
  met.container->waiting.insert(event.egress);
  timers_.at(event.time + kEgressWait,
             [this, id = event.egress](TimeNs due) { try_decide(id, due, true); });
  if (ripe) try_decide(event.egress, event.time, false);
}

void Tracker::see(const EgressPayload& event) {
  check_egress(event.egress, event.time);
  name_elsewhere(event);
  const auto it = flows_.find(event.egress);
  if (it == flows_.end()) return;
  Flow& flow = it->second;
  read_payload(event.bytes, flow.claims);
  // More of it may come.
  if (event.more) return;
  if (flow.egress.protocol == IPPROTO_UDP && !flow.claims.hello_whole) return;
  flow.ripe = true;
  try_decide(event.egress, event.time, false);
}

void Tracker::see(const EgressOutcome& event) {
  check_egress(event.egress, event.time);
  const auto it = flows_.find(event.egress);
  if (it == flows_.end()) return;
  it->second.egress.outcome = event.outcome;
  if (event.outcome != Outcome::kRefused && event.outcome != Outcome::kTimedOut) return;
  it->second.ripe = true;
  try_decide(event.egress, event.time, false);
}

void Tracker::see(const KernelLoss& event) { lose(event.cause, event.count, event.time); }

// The process that connected. Join numbers and ports are used again: where the record of this
// client was lost, an older one may stand in its place.
const ClientSeen* Tracker::client_of(const ConnOpened& opened) const {
  const auto key = peer_key(opened);
  const auto peer = key ? peers_.find(*key) : peers_.end();
  if (peer == peers_.end() || !peer->second.seen) return nullptr;
  const ClientSeen& seen = *peer->second.seen;
  const bool unix = opened.transport == Transport::kUnix;
  if (unix && opened.client_pid != 0 && opened.client_pid != seen.process.pid) return nullptr;
  if (seen.time > opened.time + kPeerWait || opened.time > seen.time + kPeerWait) return nullptr;
  return &seen;
}

void Tracker::fill_client(ConnId conn, Client& client) const {
  if (outer_ != nullptr) return outer_->fill_client(conn, client);
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return;
  const ConnOpened& opened = it->second.opened;
  client.transport = opened.transport;
  client.address = opened.client;
  if (const ClientSeen* seen = client_of(opened)) {
    client.process = seen->process;
    processes_.complete(*client.process);
  } else if (opened.transport == Transport::kUnix && opened.client_pid != 0 && !client.process) {
    const Process* found = processes_.find_running(opened.client_pid, opened.time);
    if (found != nullptr && found->uid != opened.client_uid) found = nullptr;
    Process process = found != nullptr ? *found : Process{};
    process.pid = opened.client_pid;
    process.uid = opened.client_uid;
    client.process = process;
  }
  if (client.process) client.container_id = identity::container_of(client.process->cgroup);
}

}  // namespace kilnwatch::tracker
