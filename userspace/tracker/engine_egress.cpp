// Connections of an engine itself, and of git, which it executes, while builds of it are open. What
// explains them is the request, so they are told with the builds that they may be for.
#include <algorithm>
#include <string>

#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

constexpr std::uint16_t kDns = 53;
constexpr int kGitDepth = 4;  // engine, git, git fetch, git-remote-https

std::string call_id(ConnId conn) { return "conn/" + std::to_string(conn); }
std::string git_id(EgressId id) { return "git/" + std::to_string(id); }

}  // namespace

// Builds of that engine that were open at that time.
std::vector<const Build*> Tracker::builds_of(std::uint32_t engine_pid, TimeNs at) const {
  std::vector<const Build*> out;
  for (const auto& [call, run] : runs_) {
    const Build& build = run.build;
    const bool open =
        build.started <= at + kClientWait && (build.ended == 0 || build.ended + kClientWait >= at);
    const bool its = engine_pid != 0 && run.engine_pid == engine_pid && !build.request.command;
    if (its && open && out.size() < kMaxCandidates) out.push_back(&build);
  }
  return out;
}

// The engine that executed git; 0: it is none, or of none that builds.
std::uint32_t Tracker::engine_above(const Process& process) const {
  const Process* at = processes_.find(process.pid, process.start);
  for (int i = 0; i < kGitDepth && at != nullptr; ++i) {
    for (const auto& [call, run] : runs_) {
      if (run.engine_pid != 0 && run.engine_pid == at->ppid) return at->ppid;
    }
    at = processes_.find(at->ppid);
  }
  return 0;
}

void Tracker::await_engine(const ConnOpened& opened) {
  engines_.insert(std::to_string(opened.engine_pid));
  if (opened.server.port == kDns || opened.engine_pid == 0) return;
  EngineCall call;
  call.engine_pid = opened.engine_pid;
  call.connection.time = opened.time;
  call.connection.destination = opened.server;
  if (const Process* engine = processes_.find_alive(opened.engine_pid, opened.time))
    call.connection.process = *engine;
  await_engine_call(call_id(opened.conn), std::move(call));
}

void Tracker::note_engine_fetch(const ContextFetched& fact) {
  engine_calls_.asked(call_id(fact.conn), fact.url);
  if (!fact.location.empty() && !engine_calls_.sent_on(fact.time, fact.url, fact.location))
    ++counters_.engine_calls_refused;
}

void Tracker::await_git(const EgressStarted& event) {
  if (event.destination.port == kDns || !event.process.comm.starts_with("git")) return;
  EngineCall call;
  call.connection.time = event.time;
  call.connection.protocol = event.protocol;
  call.connection.destination = event.destination;
  call.connection.process = event.process;
  await_engine_call(git_id(event.egress), std::move(call));
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
  for (const Build* build : builds_of(engine, connection.time)) {
    moment.among.push_back(*build);
    builds += build->id + "/";
  }
  if (moment.among.empty()) return;
  if (moment.among.size() == 1) {
    moment.build = moment.among.front();
    moment.call = moment.build->request.call;
  } else {
    for (const Build& build : moment.among)
      moment.reasons.push_back({"candidate", "build " + build.id + " was open at that time"});
  }
  connection.by_engine = true;
  moment.key = "engine/" + builds + connection.destination.ip + "/" +
               std::to_string(connection.destination.port);
  moment.sent_from = std::move(call->sent_from);
  moment.connection = std::move(call->connection);
  tell(std::move(moment));
}

}  // namespace kilnwatch::tracker
