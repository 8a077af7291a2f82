// What was lost, told in words.
#include <set>
#include <utility>

#include "identity/container.h"
#include "tracker/address.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

std::string listed(const Losses::Due& due) {
  std::string out;
  for (const std::string& name : due.names) out += (out.empty() ? "" : ", ") + name;
  const std::uint64_t more = due.count - due.names.size();
  return more == 0 ? out : out + " and " + std::to_string(more) + " more";
}

}  // namespace

void Tracker::lose(const std::string& cause, std::uint64_t count, TimeNs time, const CallId& call,
                   const Run* run) {
  const LossText text = text_of_loss(cause);
  if (count == 0 || text.meaning.empty()) return;
  // Any open build may have lost lines or containers by it.
  if (run == nullptr && text.of_builds) {
    each_run([](Run& open) { open.lossy = true; });
  }
  if (text.needs_build && open_builds() == 0) return;
  const auto build = run != nullptr ? std::optional(run->build) : std::nullopt;
  tell_loss(losses_.add(call, cause, count, time), cause, time, call, build);
}

void Tracker::tell_loss(const Losses::Due& due, const std::string& cause, TimeNs time,
                        const CallId& call, const std::optional<Build>& build) {
  if (due.count == 0) return;
  timers_.at(due.next, [this, cause, call, build](TimeNs at) {
    Run* run = run_of(call);
    tell_loss(losses_.over(call, cause, at), cause, at, call,
              run != nullptr ? std::optional(run->build) : build);
  });
  const LossText text = text_of_loss(cause);
  Moment moment;
  moment.time = time;
  moment.call = call;
  moment.key = home_ + cause + "#" + std::to_string(due.ordinal);
  moment.health = Health{cause, due.count};
  moment.reasons.push_back({"facts-lost", text.what});
  moment.reasons.push_back({"may-be-missing", text.meaning});
  moment.build = build;
  if (!due.names.empty()) moment.reasons.push_back({text.names, listed(due)});
  if (!text.of_builds) return tell(std::move(moment));
  if (!build && open_builds() == 0) {
    moment.reasons.push_back({"no-build-open", "no build was known to be open at that time"});
  }
  if (!build) {
    std::vector<const Run*> open;
    each_run([&](const Run& run) { open.push_back(&run); });
    for (std::size_t n = 0; n < open.size() && n < kMaxCandidates; ++n) {
      moment.reasons.push_back({"build-open", "build " + open[n]->build.id + " was open"});
    }
    if (open.size() == 1) moment.build = open.front()->build;
  }
  tell(std::move(moment));
}

// A connection that may be a step's and fits none: once for each container.
void Tracker::blind_egress(const Flow& flow, Container& container, TimeNs time) {
  if (container.blind_told || !could_be_step(container) ||
      by_start_.contains(api_key(container.uid, container.id)))
    return;
  // Started through the API under a name that tells no id: the answer comes after the start.
  for (const auto& [start, scope, uid] : early_starts_) {
    const bool may_be = outer_ != nullptr || uid == container.uid;
    if (start.engine_namespace.empty() && may_be && start.time >= container.first_seen &&
        start.time < container.first_seen + kStartAnswer)
      return;
  }
  const Run* open = nullptr;
  std::size_t count = 0;
  const Endpoint& to = flow.egress.destination;
  const bool engine = is_engine(to) || is_engine_port(to.port);
  for (const auto& [call, run] : runs_) {
    if (!engine && own_loopback(run.build, Step{}, {}, to.ip)) continue;
    if (run.build.request.buildkit != identity::is_buildkit_step(container.id)) continue;
    const EngineKind engine_kind = run.build.request.engine;
    const bool daemon = engine_kind == EngineKind::kDocker || engine_kind == EngineKind::kBuildkitd;
    if (daemon != container.above.empty()) continue;
    // What ran already when a build was met midway may be the step that it was at.
    const TimeNs at = flow.egress.time;
    const bool midway_step = run.build.request.midway &&
                             (run.confirmed_at == 0 || at < run.confirmed_at) &&
                             (run.build.ended == 0 || at < run.build.ended);
    if (!midway_step && !(in_window(run, container) && container.start_seen)) continue;
    if (open == nullptr) open = &run;
    ++count;
  }
  if (open == nullptr) return;
  container.blind_told = true;
  Moment moment;
  moment.time = time;
  moment.call = open->build.request.call;
  moment.key = "connection-unattributed/" + container.id;
  moment.health = Health{"connection-unattributed", 1};
  moment.reasons.push_back(
      {"connection-unattributed", "container " + container.id + " connected to " + to.ip +
                                      " port " + std::to_string(to.port) +
                                      " and may be a build step, but fits none"});
  if (count == 1) moment.build = open->build;
  tell(std::move(moment));
}

}  // namespace kilnwatch::tracker
