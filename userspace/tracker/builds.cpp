// The life of a build, as its conversation tells it.
#include <algorithm>

#include "tracker/ident.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

// As net/http asks for it: without fragment, with a path.
std::string context_url(std::string url) {
  url.resize(std::min(url.find('#'), url.size()));
  const auto host = url.find("://");
  if (host != url.npos && url.find('/', host + 3) == url.npos)
    url.insert(std::min(url.find('?'), url.size()), "/");
  return url;
}

// RFC 3986 section 5.3 as far as servers use it: another URL, or a path on the same host.
std::string sent_on(const std::string& from, const std::string& location) {
  if (!location.starts_with('/') || location.starts_with("//")) return context_url(location);
  return context_url(from.substr(0, from.find('/', from.find("://") + 3)) + location);
}

}  // namespace

Run* Tracker::run_of(const CallId& call) {
  const auto it = runs_.find(watchers_.build_of(call));
  return it == runs_.end() ? nullptr : &it->second;
}

// BuildKit knows a build by the reference that its client gave it: whoever asks how that one goes
// asks for no other build.
bool Tracker::watches(const BuildRequested& fact) {
  if (!fact.midway || fact.build_ref.empty()) return false;
  for (const auto& [call, run] : runs_) {
    if (run.build.request.build_ref == fact.build_ref)
      return watchers_.insert(fact.call, call, fact.time);
  }
  return false;
}

Run* Tracker::active_run(const CallId& call, TimeNs time) {
  Run* run = run_of(call);
  if (run != nullptr) run->active = std::max(run->active, time);
  return run;
}

void Tracker::forget_run(CallId call) {
  const Run* run = run_of(call);
  if (run == nullptr) return;
  vertex_bytes_ -= run->vertices.bytes();
  if (run->build.request.command) workers_.forget(call);
  watchers_.forget(call);
  runs_.erase(call);
}

// The one that was silent for longest makes room.
void Tracker::evict_run(TimeNs time) {
  auto idlest = runs_.begin();
  for (auto it = runs_.begin(); it != runs_.end(); ++it) {
    if (it->second.active < idlest->second.active) idlest = it;
  }
  if (!idlest->second.reported) report_request(idlest->second, time);
  tell_failure(idlest->second, time);
  const bool open = idlest->second.build.ended == 0;
  forget_run(idlest->first);
  if (open) lose("builds", 1, time);
}

// As far as the kernel told.
bool Tracker::container_runs(const Run& run) {
  if (step_running(run, now_)) return true;
  for (const Unclaimed& one : run.unclaimed) {
    const Container* container = containers_.find(one.id);
    if (one.sole && container != nullptr && container->exited == 0) return true;
  }
  return false;
}

void Tracker::check_idle(const CallId& call, TimeNs due) {
  Run* run = run_of(call);
  if (run == nullptr || run->build.ended != 0 || due > now_) return;  // at the end: still open
  const TimeNs over = run->active + (container_runs(*run) ? kStepIdle : kBuildIdle);
  if (over > due) {
    // Its container may be over sooner.
    const TimeNs again = std::min(over, due + kBuildIdle);
    timers_.at(again, [this, call](TimeNs at) { check_idle(call, at); });
    return;
  }
  end(*run, BuildStatus::kUnknown, due);
  // Nobody has to end a working container.
  if (!run->build.request.command || !run->build.request.command->open_end)
    lose("silent-build", 1, due, call, run);
}

void Tracker::on(const BuildRequested& fact) {
  if (!fact.upload_for.empty()) return expect_upload(fact);
  if (runs_.contains(fact.call) || watchers_.contains(fact.call) || watches(fact)) return;
  if (fact.command && within_step(fact.command->client)) return;
  if (runs_.size() >= kMaxBuilds) evict_run(fact.time);
  Run& run = runs_[fact.call];
  run.build.id = short_hash(boot_id_ + "/" + std::to_string(fact.call.conn) + "/" +
                            std::to_string(fact.call.number));
  run.build.started = fact.time;
  run.build.request = fact;
  run.build.container_id = home_;
  run.context_url = fact.remote_context.empty() && !fact.session.empty()
                        ? session_url(fact.session)
                        : context_url(fact.remote_context);
  run.active = fact.time;
  run.lossy = fact.midway;
  if (!fact.midway) run.newest_cgroup = containers_.newest_cgroup();
  fill_client(fact.call.conn, run.build.client);
  run.build.engine = fact.engine;
  if (fact.command) begin_command(run);
  settle_session(fact.session);
  if (const auto conn = conns_.find(fact.call.conn); conn != conns_.end())
    run.engine_pid = conn->second.opened.engine_pid;
  timers_.at(fact.time + kRequestWait, [this, call = fact.call](TimeNs due) {
    Run* found = run_of(call);
    if (found != nullptr && !found->reported) report_request(*found, due);
  });
  timers_.at(fact.time + kBuildIdle,
             [this, call = fact.call](TimeNs due) { check_idle(call, due); });
  const bool late = fact.midway || (fact.command && fact.command->late);
  if (late) lose("midway", 1, fact.time, fact.call, &run);
  if (!fact.build_ref.empty()) meet_upload(run);
}

// The base images are known, or a step began: a good time to report, once the client is known.
void Tracker::known(Run& run, TimeNs time) {
  if (run.known_at != 0) return;
  run.known_at = time;
  if (run.reported) return;
  fill_client(run.build.request.call.conn, run.build.client);
  const Client& client = run.build.client;
  if (client.transport == Transport::kTcp || (client.process && !client.process->exe.empty())) {
    return report_request(run, time);
  }
  timers_.at(time + kClientWait, [this, call = run.build.request.call](TimeNs due) {
    Run* found = run_of(call);
    if (found != nullptr && !found->reported) report_request(*found, due);
  });
}

void Tracker::on(const DockerfileSeen& fact) {
  Run* run = active_run(fact.call, fact.time);
  if (run == nullptr) return take_upload(fact);
  run->build.dockerfile = fact;
  run->build.base_images = fact.base_images;
  known(*run, fact.time);
}

// The request and the fetch meet in the URL. Where several builds wait for the same one, none can
// be told from the others: a server may answer each differently.
void Tracker::on(const ContextFetched& fact) {
  note_engine_fetch(fact);
  Run* waiting = nullptr;
  for (auto& [call, run] : runs_) {
    // buildah asks twice where the first answer is no archive, and takes the second one (buildah:
    // define/types.go, downloadToDirectory).
    const bool again = run.build.request.engine == EngineKind::kPodman && run.build.dockerfile &&
                       run.running.empty();
    const bool its = run.context_url == fact.url ||
                     (again && context_url(run.build.request.remote_context) == fact.url);
    if (run.build.ended != 0 || !its || (run.build.dockerfile && !again)) continue;
    if (waiting != nullptr) return;
    waiting = &run;
  }
  if (waiting == nullptr) return;
  if (!fact.location.empty()) waiting->context_url = sent_on(fact.url, fact.location);
  if (!fact.dockerfile) return;
  DockerfileSeen dockerfile = *fact.dockerfile;
  dockerfile.call = waiting->build.request.call;
  on(dockerfile);
}

// Its build is asked for on another connection, before or after it.
void Tracker::on(const SessionOpened& fact) {
  const auto conn = conns_.find(fact.conn);
  const bool met = std::any_of(runs_.begin(), runs_.end(), [&](const auto& one) {
    return one.second.build.request.session == fact.session;
  });
  if (conn == conns_.end() || met || idle_sessions_.contains(fact.session)) return;
  conn->second.session = fact.session;
  conn->second.session_opened = fact.time;
  timers_.at(fact.time + kRequestWait, [this, id = fact.conn](TimeNs due) {
    const auto open = conns_.find(id);
    if (open != conns_.end() && open->second.closed == 0 && !open->second.session.empty())
      lose("request", 1, due);
  });
}

void Tracker::on(const SessionIdle& fact) {
  if (fact.session.empty()) return;
  idle_sessions_.insert(fact.session);
  settle_session(fact.session);
}

// It is known what its client asked for.
void Tracker::settle_session(const std::string& session) {
  for (auto& [id, conn] : conns_) {
    if (!session.empty() && conn.session == session) conn.session.clear();
  }
}

void Tracker::on(const BuildStepAnnounced& fact) {
  Run* run = active_run(fact.call, fact.time);
  if (run == nullptr) return;
  if (run->build.request.engine == EngineKind::kPodman) return on_podman_line(*run, fact);
  if (fact.number == 0 || fact.number > fact.total || fact.number <= run->number ||
      (run->total != 0 && fact.total != run->total)) {
    ++counters_.ignored_forged;
    return;
  }
  // Nothing ran before the first step: its line is the builder's, and so are those that follow
  // until a container starts.
  const bool sure = !run->lossy && run->number == 0 && run->running.empty();
  if (sure && fact.number == 1) run->total = fact.total;
  // A later line overrides: dockerd writes its own only when a step's output is complete.
  run->line = {fact.number, fact.total, {}, fact.instruction, {}, {}, Attribution::kExact};
  if (sure && run->build.base_images.empty() && fact.instruction.starts_with("FROM ")) {
    std::string image = fact.instruction.substr(5);
    while (image.starts_with("--")) image.erase(0, std::min(image.find(' '), image.size() - 1) + 1);
    run->build.base_images.push_back(image.substr(0, image.find(' ')));
  }
  known(*run, fact.time);
}

void Tracker::on(const BuildContainerAnnounced& fact) {
  Run* run = active_run(fact.call, fact.time);
  if (run == nullptr || fact.short_id.size() < 12) return;
  // Each line but FROM, with its triggers, has one container: a second one had a line of its own.
  Step line = run->line;
  if (line.number <= run->number && !line.instruction.starts_with("FROM")) line = {};
  if (run->announced.size() >= kMaxAnnounced) run->announced.pop_front();
  run->announced.push_back(
      {fact.short_id, fact.time, line, step_running(*run, fact.time), containers_.newest_cgroup()});
  // The start may have been seen a little before the line.
  for (Container* container : containers_.with_prefix(fact.short_id)) {
    if (!fits(run->announced.back(), *container)) continue;
    claim(fact.call, run->announced.back(), *container);
    confirm(*container);
    decide_waiting(*container, fact.time);
  }
}

void Tracker::on(const BuildImageAnnounced& fact) {
  Run* run = active_run(fact.call, fact.time);
  if (run == nullptr) return;
  if (run->build.request.command) {  // the store is the engine's own word
    run->final_id = fact.id;
    run->contested = fact.id.empty();
    if (run->build.ended != 0) remember_command_image(*run, fact.time);
    return;
  }
  const bool full = fact.id.starts_with("sha256:");
  if (full && !fact.final) {  // aux: no step can write one
    if (run->aux_ids.size() > 1) run->aux_ids.erase(run->aux_ids.begin());
    run->aux_ids.push_back(fact.id);
  } else {  // the last of the stream is the builder's
    run->final_id = fact.id;
    run->tag_lines.clear();
  }
}

void Tracker::on(const BuildTagAnnounced& fact) {
  Run* run = active_run(fact.call, fact.time);
  if (run == nullptr) return;
  // BuildKit writes a name in full, the engine behind it as it was asked for: that one stays.
  std::erase_if(run->tag_lines, [same = normalise_image(fact.tag)](const std::string& tag) {
    return normalise_image(tag) == same;
  });
  if (run->tag_lines.size() >= kMaxTags) return;
  run->tag_lines.push_back(fact.tag);
  const auto& command = run->build.request.command;
  auto& tags = run->build.request.tags;
  if (command && command->open_end && tags.size() < kMaxTags &&
      std::find(tags.begin(), tags.end(), fact.tag) == tags.end())
    tags.push_back(fact.tag);
}

void Tracker::on(const BuildEnded& fact) {
  if (watchers_.contains(fact.call)) return;  // the watching ended
  Run* run = active_run(fact.call, fact.time);
  if (run == nullptr || run->build.ended != 0) return;
  run->message = fact.message;
  if (fact.status == BuildStatus::kFailed) note_failure(*run, fact.message);
  end(*run, fact.status, fact.time);
}

void Tracker::end(Run& run, BuildStatus status, TimeNs time) {
  run.build.ended = time;
  run.build.status = status;
  ++counters_.ended[static_cast<std::size_t>(status)];
  if (!run.reported) report_request(run, time);
  if (status == BuildStatus::kFailed) await_failure(run, time);
  if (run.build.request.command) {
    end_command(run, time);
  } else {
    remember_image(run, time);
  }
  timers_.at(time + kLinger, [this, call = run.build.request.call](TimeNs) { forget_run(call); });
}

void Tracker::on(const ConversationBlind& fact) {
  // It began before this connection was met, and is known by its own.
  if (fact.build && watchers_.began_at(*fact.build, fact.time)) return;
  Run* run = fact.build ? active_run(*fact.build, fact.time) : nullptr;
  // containerd tells nothing of a build.
  if (const auto conn = conns_.find(fact.conn);
      conn != conns_.end() && conn->second.opened.engine == EngineKind::kContainerd)
    return tell_loss(losses_.add({}, fact.reason, 1, fact.time), fact.reason, fact.time, {}, {});
  if (run != nullptr) {
    run->lossy = true;
    run->line = {};  // the true line may be among what was lost
    run->lines.clear();
    run->lost_at = fact.time;
  }
  if (run == nullptr) hidden_at_ = fact.time;
  // Said already: that is what being met midway means.
  if (run != nullptr && run->build.request.midway && fact.time == run->build.started) return;
  lose(fact.reason, 1, fact.time, run != nullptr ? run->build.request.call : CallId{}, run);
}

void Tracker::report_request(Run& run, TimeNs time) {
  fill_client(run.build.request.call.conn, run.build.client);
  run.reported = true;
  Moment moment;
  moment.kind = MomentKind::kBuildRequest;
  moment.time = time;
  moment.call = run.build.request.call;
  moment.build = run.build;
  moment.reasons = vertex_reasons(run);
  tell(std::move(moment));
}

void Tracker::remember_image(const Run& run, TimeNs time) {
  if (run.build.status != BuildStatus::kSucceeded && run.build.status != BuildStatus::kUnknown)
    return;
  if (run.build.request.engine == EngineKind::kBuildkitd) return remember_export(run, time);
  Image image;
  const std::string last =
      run.final_id.starts_with("sha256:") ? run.final_id.substr(7) : run.final_id;
  for (const std::string& id : run.aux_ids) {
    if (last.empty() || run.lossy || id.compare(7, last.size(), last) == 0) image.id = id;
  }
  if (run.build.status == BuildStatus::kSucceeded) {
    // Where lines are missing, the last one may be a step's.
    if (image.id.empty() && !run.lossy) image.id = run.final_id;
    image.tags = run.build.request.midway ? run.tag_lines : run.build.request.tags;
  }
  if (image.id.empty() && image.tags.empty()) return;
  const CallId& call = run.build.request.call;
  Made made{time, run.build, std::move(image), {}, vertex_reasons(run), {}, store_of(call)};
  tell_built(made, call, time);
  images_of(call).add(std::move(made));
}

}  // namespace kilnwatch::tracker
