// Engines in the service of others. Those inside containers: they are not followed: what their API
// says is about containers and images of their own, and any process that calls itself an engine can
// say it.
#include <utility>

#include "identity/container.h"
#include "tracker/address.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

bool Tracker::nested(ConnId conn) const {
  const auto it = conns_.find(conn);
  return it != conns_.end() ? it->second.nested : nested_.contains(conn);
}

// dockerd is a client of containerd. What it asks for there, its own clients asked it for. Who
// calls a program so is taken for the engine by the kernel side, too.
bool Tracker::asked_by_engine(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end() || it->second.opened.engine != EngineKind::kContainerd) return false;
  const ConnOpened& opened = it->second.opened;
  const ClientSeen* seen = client_of(opened);
  const Process* client =
      seen != nullptr ? &seen->process : processes_.find_running(opened.client_pid, opened.time);
  return client != nullptr && client->comm == "dockerd";
}

// Whether it runs in a container; told once for each container. One that is not known is the
// host's: it ran before the sensor.
bool Tracker::meet_engine(const ConnOpened& opened) {
  if (opened.engine_pid == 0) return false;
  const Process* engine = processes_.find_alive(opened.engine_pid, opened.time);
  const std::string id = engine != nullptr ? identity::container_of(engine->cgroup) : std::string();
  if (id.empty()) return false;
  if (nested_told_.contains(id)) return true;
  nested_told_.insert(id);
  Moment moment;
  moment.time = opened.time;
  moment.key = "nested-engine/" + id;
  moment.health = Health{"nested-engine", 1};
  moment.reasons.push_back(
      {"nested-engine", "an engine inside container " + id + " is not followed"});
  moment.reasons.push_back(
      {"may-be-missing", "builds and deployments that it is asked for are not seen"});
  tell(std::move(moment));
  return true;
}

// The oldest are kept: nobody can push out what is known.
void Tracker::note_engine(const ConnOpened& opened) {
  const auto keep = [&](auto& known, const auto& one) {
    if (known.contains(one)) return;
    if (known.size() >= kMaxEngineAddresses) return lose("engine-addresses", 1, opened.time);
    known.insert(one);
  };
  keep(engine_ports_, opened.server.port);
  if (!is_loopback(opened.server.ip)) keep(engine_ips_, opened.server.ip);
}

}  // namespace kilnwatch::tracker
