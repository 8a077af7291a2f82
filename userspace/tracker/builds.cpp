#include "base/sha256.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

Tracker::Run* Tracker::run_of(const CallId& call) {
  const auto it = runs_.find(call);
  return it == runs_.end() ? nullptr : &it->second;
}

// While the container of an announced step runs, the stream is that step's output.
bool Tracker::step_running(const Run& run, TimeNs at) const {
  for (const Announced& a : run.announced) {
    if (a.over) continue;
    const auto it = containers_.lower_bound(a.short_id);
    if (it == containers_.end() || !it->first.starts_with(a.short_id)) continue;
    const Container& c = it->second;
    if (c.first_seen >= a.time && c.first_seen <= at && (c.exited == 0 || c.exited > at))
      return true;
  }
  return false;
}

void Tracker::on(const BuildRequested& fact) {
  if (runs_.size() >= kMaxBuilds) {
    ++counters_.refused;
    return;
  }
  Run run;
  run.build.id = base::sha256_hex(boot_id_ + "/" + std::to_string(fact.call.conn) + "/" +
                                  std::to_string(fact.call.number))
                     .substr(0, 32);
  run.build.started = fact.time;
  run.build.request = fact;
  run.image.tags = fact.tags;
  fill_client(fact.call.conn, run.build.client);
  const auto conn = conns_.find(fact.call.conn);
  const bool midway = conn != conns_.end() && conn->second.opened.midway;
  const Run& stored = runs_[fact.call] = std::move(run);
  if (midway) blind(fact.time, fact.call, &stored, "the connection was met midway");
}

void Tracker::on(const DockerfileSeen& fact) {
  Run* run = run_of(fact.call);
  if (run == nullptr) return;
  run->build.dockerfile = fact;
  run->build.base_images = fact.base_images;
  if (run->known_at == 0) run->known_at = fact.time;
}

void Tracker::on(const BuildStepAnnounced& fact) {
  Run* run = run_of(fact.call);
  if (run == nullptr) return;
  const bool next = fact.number == run->current.number + 1 || fact.number == run->current.number;
  const bool same_total = run->current.total == 0 || fact.total == run->current.total;
  if (!next || !same_total || fact.number > fact.total || step_running(*run, fact.time)) {
    ++counters_.ignored_forged;
    return;
  }
  run->step_seen = true;
  run->current = {fact.number, fact.total, fact.instruction, {}, {}, Attribution::kExact};
  if (run->known_at == 0) run->known_at = fact.time;
  if (run->build.base_images.empty() && fact.instruction.starts_with("FROM ")) {
    std::string image = fact.instruction.substr(5);
    while (image.starts_with("--")) image.erase(0, std::min(image.find(' '), image.size() - 1) + 1);
    run->build.base_images.push_back(image.substr(0, image.find(' ')));
  }
}

void Tracker::on(const BuildContainerAnnounced& fact) {
  Run* run = run_of(fact.call);
  if (run == nullptr || fact.short_id.size() < 12) return;
  const auto known = containers_.lower_bound(fact.short_id);
  const bool older = known != containers_.end() && known->first.starts_with(fact.short_id) &&
                     (known->second.first_seen < fact.time || created_by_api(known->first));
  if (older || step_running(*run, fact.time) || run->announced.size() >= kMaxSteps) {
    ++counters_.ignored_forged;
    return;
  }
  run->announced.push_back({fact.short_id, fact.time, false, run->current});
}

void Tracker::on(const BuildContainerRemoved& fact) {
  Run* run = run_of(fact.call);
  if (run == nullptr || step_running(*run, fact.time)) return;
  for (Announced& a : run->announced) a.over |= a.short_id == fact.short_id;
}

void Tracker::on(const BuildImageAnnounced& fact) {
  Run* run = run_of(fact.call);
  if (run == nullptr || step_running(*run, fact.time)) return;
  const bool full = run->image.id.starts_with("sha256:");
  if (!full || fact.id.starts_with("sha256:")) run->image.id = fact.id;
}

void Tracker::on(const BuildTagAnnounced& fact) {
  Run* run = run_of(fact.call);
  if (run == nullptr || step_running(*run, fact.time)) return;
  for (const std::string& tag : run->image.tags) {
    if (normalise_image(tag) == normalise_image(fact.tag)) return;
  }
  run->image.tags.push_back(fact.tag);
}

void Tracker::on(const BuildEnded& fact) {
  Run* run = run_of(fact.call);
  if (run == nullptr || run->build.ended != 0) return;
  run->build.ended = fact.time;
  run->build.status = fact.status;
  if (!run->reported) report_request(*run, fact.time);
  if (fact.status == BuildStatus::kSucceeded) remember_image(*run, fact.time);
}

void Tracker::on(const ConversationBlind& fact) {
  const CallId call = fact.build.value_or(CallId{fact.conn, 0});
  blind(fact.time, call, fact.build ? run_of(call) : nullptr, fact.reason);
}

void Tracker::report_request(Run& run, TimeNs time) {
  fill_client(run.build.request.call.conn, run.build.client);
  run.reported = true;
  Moment moment;
  moment.kind = MomentKind::kBuildRequest;
  moment.time = time;
  moment.call = run.build.request.call;
  moment.build = run.build;
  moments_.push_back(std::move(moment));
}

void Tracker::advance_builds(TimeNs now) {
  for (auto it = runs_.begin(); it != runs_.end();) {
    Run& run = it->second;
    if (!run.reported) {
      fill_client(it->first.conn, run.build.client);
      const bool who = run.build.client.transport == Transport::kTcp ||
                       (run.build.client.process && !run.build.client.process->exe.empty());
      // The decision's own time, not that of the event which lets it happen.
      TimeNs due = run.build.started + kRequestWait;
      if (run.known_at != 0) due = std::min(due, who ? run.known_at : run.known_at + kClientWait);
      if (due <= now) report_request(run, due);
    }
    const bool done = run.build.ended != 0 && run.build.ended + kLinger <= now;
    it = done ? runs_.erase(it) : std::next(it);
  }
}

}  // namespace kilnwatch::tracker
