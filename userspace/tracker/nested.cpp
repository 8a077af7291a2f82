// Engines in the service of others, and
// those inside containers. Each of these has tables of its own: containers, images, builds. What it
// says is about containers below its own only, so a process that calls itself an engine can tell
// nothing of others, and takes nothing away from the builds of the engine further out.
#include <string_view>
#include <utility>

#include "identity/container.h"
#include "tracker/address.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

std::string key_text(const Process& process) {
  return std::to_string(process.pid) + "/" + std::to_string(process.start);
}

}  // namespace

std::string Tracker::engine_home(ConnId conn) const {
  const Conn* known = conn_of(conn);
  return known != nullptr ? known->home : std::string();
}

Tracker* Tracker::inner_at(const std::string& home) const {
  const auto it = home.empty() ? inner_.end() : inner_.find(home);
  return it == inner_.end() ? nullptr : it->second.get();
}

// One whose container is over, and of which nothing waits to be told, makes room.
bool Tracker::follow(const std::string& home) {
  if (inner_.contains(home)) return true;
  if (inner_.size() >= kMaxNested) {
    for (auto it = inner_.begin(); it != inner_.end(); ++it) {
      const Held held = it->second->held();
      if (containers_.find(it->first) != nullptr || held.builds > 0 || held.flows > 0) continue;
      inner_.erase(it);
      break;
    }
  }
  if (inner_.size() >= kMaxNested) return false;
  auto inner = std::make_unique<Tracker>(boot_id_, this, home);
  inner->now_ = now_;
  inner->containers_.note_cgroup({containers_.newest_cgroup(), {}});
  inner->set_deploy_window(deploy_window_);
  inner->stores_ = stores_.unfilled();
  if (shares_) inner->share_images();
  inner_.emplace(home, std::move(inner));
  return true;
}

void Tracker::set_deploy_window(TimeNs window) {
  deploy_window_ = window;
  images_.set_window(window);
  podman_images_.set_window(window);
  exports_.set_window(window);
  for (auto& [home, inner] : inner_) inner->set_deploy_window(window);
}

// The host's dockerd: in no container, and either it was seen to serve its API or its file lies
// where only root installs programs. A copy of another program of that name is neither.
bool Tracker::is_dockerd(const Process& process) const {
  if (process.comm != "dockerd" || !identity::container_of(process.cgroup).empty()) return false;
  const auto in = [&](std::string_view folder) { return process.exe.starts_with(folder); };
  return serving_.contains(key_text(process)) || in("/usr/") || in("/bin/") || in("/sbin/") ||
         in("/snap/") || in("/nix/store/");
}

// dockerd is a client of containerd. What it asks for there, its own clients asked it for.
bool Tracker::asked_by_engine(ConnId conn) const {
  const Conn* known = conn_of(conn);
  if (known == nullptr || known->opened.engine != EngineKind::kContainerd) return false;
  const ConnOpened& opened = known->opened;
  const ClientSeen* seen = client_of(opened);
  const Process* client =
      seen != nullptr ? &seen->process : processes_.find_running(opened.client_pid, opened.time);
  return client != nullptr && is_dockerd(*client);
}

// The container that it runs in, after that of the host's engine where that is another one; empty:
// none. One that is not known is the host's: it ran before the sensor. What is not followed is told
// once for each container.
std::string Tracker::meet_engine(const ConnOpened& opened) {
  if (opened.engine_pid == 0) return {};
  const Process* engine = processes_.find_alive(opened.engine_pid, opened.time);
  if (engine != nullptr && opened.engine == EngineKind::kDocker && !opened.fetch)
    serving_.insert(key_text(*engine));
  const std::string home = engine != nullptr ? containers_.home_of(*engine, processes_) : "";
  if (home.empty()) return {};
  // In a container of a container, or in a cgroup that a process made below its own.
  const std::string innermost = identity::container_of(engine->cgroup);
  if (innermost == home && follow(home)) return home;
  const std::string id = innermost == home ? home : home + "/" + innermost;
  if (nested_told_.contains(id)) return id;
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
  return id;
}

// Its connections and clients are looked after by `outer_`; so is what is lost.
void Tracker::observe_inside(const Event& event, TimeNs now) {
  now_ = now;
  if (const auto* e = std::get_if<ProcessExecuted>(&event)) see(*e);
  if (const auto* e = std::get_if<ProcessExited>(&event)) see(*e);
  if (const auto* e = std::get_if<EgressStarted>(&event)) see(*e);
  if (const auto* e = std::get_if<EgressPayload>(&event)) see(*e);
  if (const auto* e = std::get_if<EgressOutcome>(&event)) see(*e);
  if (const auto* e = std::get_if<DnsAnswered>(&event)) see(*e);
  note_refusals();
}

void Tracker::collect(Tracker& inner) {
  for (Moment& moment : inner.take()) {
    if (moment.kind == MomentKind::kBuildEgress) elsewhere_.erase(moment.egress);
    moments_.push_back(std::move(moment));
  }
  for (std::size_t i = 0; i < counters_.ended.size(); ++i)
    counters_.ended[i] += std::exchange(inner.counters_.ended[i], 0);
  counters_.names_refused += std::exchange(inner.counters_.names_refused, 0);
  counters_.ignored_forged += std::exchange(inner.counters_.ignored_forged, 0);
}

std::optional<TimeNs> Tracker::due() const {
  auto first = timers_.next();
  for (const auto& [home, inner] : inner_) {
    if (const auto due = inner->due(); due && (!first || *due < *first)) first = due;
  }
  return first;
}

// In the order of their times, whichever engine they are of.
void Tracker::run_timers(TimeNs now) {
  for (auto next = due(); next && *next <= now; next = due()) {
    timers_.run(*next);
    for (const auto& [home, inner] : inner_) {
      inner->now_ = now_;
      inner->timers_.run(*next);
      collect(*inner);
    }
  }
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
