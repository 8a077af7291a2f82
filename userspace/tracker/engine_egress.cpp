// Connections of an engine itself, of git, which it executes, and of a builder that is a command,
// while builds of it are open. What explains them is the request, so they are told with the builds
// that they may be for.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/text.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

constexpr std::uint16_t kDns = 53;
constexpr std::size_t kAddWithin = 16;    // ADD, ONBUILD ADD
constexpr std::size_t kMaxFetching = 64;  // builds that a connection may be for
constexpr int kBelowDepth = 4;            // engine, git, git fetch, git-remote-https

std::string call_id(ConnId conn) { return "conn/" + std::to_string(conn); }
std::string below_id(EgressId id) { return "below/" + std::to_string(id); }

// git and what it reaches servers by, or a builder that is a command; without privileges that
// executes itself again. Helpers for a user's network, which connect for steps, have other names.
bool may_fetch(const std::string& comm) {
  constexpr std::array<std::string_view, 4> kBuilders = {"podman", "buildah", "exe", "ssh"};
  return comm.starts_with("git") ||
         std::find(kBuilders.begin(), kBuilders.end(), comm) != kBuilders.end();
}

// Whether its request has something fetched besides images: a context, or what an ADD names.
bool may_fetch(const Run& run) {
  const Build& build = run.build;
  if (!run.vertices.added().empty() || !build.request.remote_context.empty()) return true;
  if (!build.dockerfile) return false;
  const auto& all = build.dockerfile->instructions;
  return std::any_of(all.begin(), all.end(), [](const Instruction& one) {
    const std::string head = base::lower(one.text.substr(0, kAddWithin));
    return head.find("add") != head.npos &&
           (one.text.find("://") != one.text.npos || one.text.find("git@") != one.text.npos ||
            one.text.find('$') != one.text.npos);
  });
}

}  // namespace

// Or of a process that may be one's.
bool Tracker::is_engines(EgressId id, std::uint32_t pid) const {
  return engines_.contains(std::to_string(pid)) || engine_calls_.is_open(below_id(id));
}

// What others than engines say counts for their own connection alone.
void Tracker::name_engine_call(EgressId id, const Connection& connection) {
  if (engine_calls_.is_open(below_id(id)))
    engine_calls_.named(below_id(id), connection);
  else
    engine_calls_.named(connection);
}

// Builds of that engine that were open at that time: of those that have it fetch something, and of
// others some. Of more than are kept is counted.
std::vector<Build> Tracker::builds_of(std::uint32_t engine_pid, TimeNs at) {
  std::vector<const Run*> fetching, others;
  for (const auto& [call, run] : runs_) {
    const Build& build = run.build;
    const bool open =
        build.started <= at + kClientWait && (build.ended == 0 || build.ended + kClientWait >= at);
    const bool its = engine_pid != 0 && run.engine_pid == engine_pid && !build.request.command;
    if (its && open) (may_fetch(run) ? fetching : others).push_back(&run);
  }
  if (fetching.size() > kMaxFetching) {
    ++counters_.engine_calls_refused;
    fetching.resize(kMaxFetching);
  }
  if (others.size() > kMaxCandidates) others.resize(kMaxCandidates);
  fetching.insert(fetching.end(), others.begin(), others.end());
  std::vector<Build> out;
  for (const Run* run : fetching) {
    out.push_back(run->build);
    out.back().added = run->vertices.added();
  }
  return out;
}

// The engine that executed git; 0: it is none, or of none that builds.
std::uint32_t Tracker::engine_above(const Process& process) const {
  const Process* at = processes_.find(process.pid, process.start);
  for (int i = 0; i < kBelowDepth && at != nullptr; ++i) {
    for (const auto& [call, run] : runs_) {
      if (run.engine_pid != 0 && run.engine_pid == at->ppid) return at->ppid;
    }
    at = processes_.find(at->ppid);
  }
  return 0;
}

// The build of the command that the process is, or that executed it.
std::vector<Build> Tracker::builds_above(const Process& process) {
  std::vector<identity::ProcessKey> line;
  const Process* at = processes_.find(process.pid, process.start);
  for (int i = 0; i < kBelowDepth && at != nullptr; ++i) {
    line.push_back(identity::key_of(*at));
    at = processes_.find(at->ppid);
  }
  const Work* work = workers_.above(line);
  const Run* run = work != nullptr ? run_of(work->call) : nullptr;
  if (run == nullptr) return {};
  return {run->build};
}

void Tracker::await_engine(const ConnOpened& opened) {
  engines_.insert(std::to_string(opened.engine_pid));
  if (opened.server.port == kDns || opened.engine_pid == 0) return;
  EngineCall call;
  call.engine_pid = opened.engine_pid;
  call.connection.time = opened.time;
  call.connection.destination = opened.server;
  call.connection.process.pid = opened.engine_pid;
  if (const Process* engine = processes_.find_alive(opened.engine_pid, opened.time))
    call.connection.process = *engine;
  await_engine_call(call_id(opened.conn), std::move(call));
}

void Tracker::note_engine_fetch(const ContextFetched& fact) {
  engine_calls_.asked(call_id(fact.conn), fact.url);
  if (!fact.location.empty() && !engine_calls_.sent_on(fact.time, fact.url, fact.location))
    ++counters_.engine_calls_refused;
}

void Tracker::await_below(const EgressStarted& event) {
  if (event.destination.port == kDns || !may_fetch(event.process.comm)) return;
  EngineCall call;
  call.connection.time = event.time;
  call.connection.protocol = event.protocol;
  call.connection.destination = event.destination;
  call.connection.process = event.process;
  await_engine_call(below_id(event.egress), std::move(call));
}

void Tracker::await_engine_call(const std::string& id, EngineCall call) {
  const TimeNs due = call.connection.time + kEgressWait + 2;  // after its name, see elsewhere.cpp
  if (!engine_calls_.begin(id, std::move(call))) {
    ++counters_.engine_calls_refused;
    return;
  }
  timers_.at(due, [this, id](TimeNs at) { tell_engine_call(id, at); });
}

void Tracker::tell_engine_call(const std::string& id, TimeNs due) {
  auto call = engine_calls_.take(id);
  if (!call) return;
  Connection& connection = call->connection;
  processes_.complete(connection.process);
  const std::uint32_t engine =
      call->engine_pid != 0 ? call->engine_pid : engine_above(connection.process);
  Moment moment;
  moment.kind = MomentKind::kEngineEgress;
  moment.time = due;
  std::string builds;
  moment.among =
      engine != 0 ? builds_of(engine, connection.time) : builds_above(connection.process);
  for (const Build& build : moment.among) builds += build.id + "/";
  if (moment.among.empty()) return;
  if (moment.among.size() == 1) {
    moment.build = moment.among.front();
    moment.call = moment.build->request.call;
  } else {
    for (const Build& build : moment.among) {
      if (moment.reasons.size() < kMaxCandidates)
        moment.reasons.push_back({"candidate", "build " + build.id + " was open at that time"});
      moment.other_builds.push_back(build.id);
    }
  }
  connection.by_engine = true;
  moment.key = "engine/" + builds + connection.destination.ip + "/" +
               std::to_string(connection.destination.port);
  // Several sites may be at one place.
  if (const auto& host = connection.http_host.empty() ? connection.tls_name : connection.http_host;
      !host.empty())
    moment.key += "/" + host;
  moment.place = moment.key;
  moment.sent_from = std::move(call->sent_from);
  moment.name_borrowed = call->name_borrowed;
  const bool named = !connection.http_host.empty() || !connection.tls_name.empty();
  if (!named || moment.name_borrowed)
    connection.dns_names = heard().names_of(connection.destination.ip, connection.time);
  moment.connection = std::move(call->connection);
  tell(std::move(moment));
}

}  // namespace kilnwatch::tracker
