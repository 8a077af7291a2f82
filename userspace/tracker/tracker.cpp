#include "tracker/tracker.h"

#include "identity/container.h"

namespace kilnwatch::tracker {

using namespace domain;

void Tracker::observe(const Event& event) {
  now_ = std::max(now_, time_of(event));
  // Deadlines that lie before this event are decided on what was known then: whether a Tick came in
  // between makes no difference, so a replay decides as the live run did.
  advance_all();
  processes_.observe(event);
  if (const auto* e = std::get_if<ConnOpened>(&event)) {
    if (conns_.size() >= kMaxConnections) {
      ++counters_.refused;
    } else {
      conns_[e->conn] = {*e, 0};
    }
    if (e->transport == Transport::kTcp && listeners_.size() < kMaxConnections) {
      listeners_.insert(e->server);
    }
  } else if (const auto* client = std::get_if<ClientSeen>(&event)) {
    if (clients_.size() >= kMaxConnections) clients_.erase(clients_.begin());
    clients_[{client->join, client->client, client->server}] = *client;
  } else if (const auto* closed = std::get_if<ConnClosed>(&event)) {
    const auto it = conns_.find(closed->conn);
    if (it != conns_.end()) it->second.closed = closed->time;
  } else if (const auto* exec = std::get_if<ProcessExecuted>(&event)) {
    meet_container(exec->process, exec->time, true);
  } else if (const auto* exit = std::get_if<ProcessExited>(&event)) {
    for (auto& [id, container] : containers_) {
      if (container.init_pid == exit->pid && container.exited == 0) container.exited = exit->time;
    }
  } else if (const auto* egress = std::get_if<EgressStarted>(&event)) {
    meet_container(egress->process, egress->time, false);
    std::string id = identity::container_of(egress->process.cgroup);
    if (!id.empty() && flows_.size() < kMaxEgress) {
      flows_[egress->egress] = {
          *egress,
          std::move(id),
          {},
          egress->outcome == Outcome::kRefused || egress->outcome == Outcome::kTimedOut};
    } else if (!id.empty()) {
      ++counters_.refused;
    }
  } else if (const auto* payload = std::get_if<EgressPayload>(&event)) {
    const auto it = flows_.find(payload->egress);
    if (it != flows_.end()) {
      it->second.payload = payload->bytes;
      it->second.ripe = true;
    }
  } else if (const auto* outcome = std::get_if<EgressOutcome>(&event)) {
    const auto it = flows_.find(outcome->egress);
    if (it != flows_.end()) {
      it->second.egress.outcome = outcome->outcome;
      it->second.ripe |=
          outcome->outcome == Outcome::kRefused || outcome->outcome == Outcome::kTimedOut;
    }
  } else if (const auto* loss = std::get_if<KernelLoss>(&event)) {
    const Run* run = runs_.empty() ? nullptr : &runs_.begin()->second;
    blind(loss->time, run != nullptr ? runs_.begin()->first : CallId{}, run,
          "kernel lost " + std::to_string(loss->count) + " records: " + loss->cause);
  }
  advance_all();
}

void Tracker::advance_all() {
  advance_egress(now_);
  advance_builds(now_);
  advance_deploys(now_);
  std::erase_if(conns_, [&](const auto& c) {
    if (c.second.closed == 0 || c.second.closed + kLinger > now_) return false;
    clients_.erase({c.second.opened.join, c.second.opened.client, c.second.opened.server});
    return true;
  });
}

void Tracker::learn(const ApiFact& fact) {
  std::visit([this](const auto& f) { on(f); }, fact);
  advance_egress(now_);
  advance_builds(now_);
}

void Tracker::blind(TimeNs time, CallId call, const Run* run, std::string cause) {
  Moment moment;
  moment.time = time;
  moment.call = call;
  moment.key = cause + "@" + std::to_string(time);
  moment.reasons.push_back({"facts-lost", std::move(cause)});
  if (run != nullptr) moment.build = run->build;
  moments_.push_back(std::move(moment));
}

void Tracker::fill_client(const ConnId& conn, Client& client) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return;
  const ConnOpened& opened = it->second.opened;
  client.transport = opened.transport;
  client.address = opened.client;
  const ClientSeen* seen = nullptr;
  if (const auto found = clients_.find({opened.join, opened.client, opened.server});
      found != clients_.end()) {
    seen = &found->second;
  }
  if (seen != nullptr) {
    client.process = seen->process;
  } else if (opened.transport == Transport::kUnix && opened.client_pid != 0 && !client.process) {
    const Process* known = processes_.find(opened.client_pid);
    Process process = known != nullptr ? *known : Process{};
    process.pid = opened.client_pid;
    process.uid = opened.client_uid;
    client.process = process;
  }
  if (client.process) {
    processes_.complete(*client.process);
    client.container_id = identity::container_of(client.process->cgroup);
  }
}

}  // namespace kilnwatch::tracker
