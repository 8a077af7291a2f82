// What BuildKit tells of a build, and contexts that come with requests of their own.
#include <algorithm>

#include "identity/container.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

void Tracker::on(const VertexSeen& fact) {
  Run* run = active_run(fact.call, fact.time);
  if (run == nullptr) return;
  if (fact.kind == VertexKind::kBase && !run->build.dockerfile) {
    auto& bases = run->build.base_images;
    if (bases.size() < kMaxTags && !has_image(bases, fact.text)) bases.push_back(fact.text);
  }
  const auto free = [this] { return kMaxVertexBytes - std::min(vertex_bytes_, kMaxVertexBytes); };
  if (fact.kind != VertexKind::kRun) {
    vertex_bytes_ += run->vertices.place(fact, free());
    if (const auto refused = run->vertices.added_refused(); refused > 0)
      lose("vertices", refused, fact.time, fact.call, run);
    if (fact.error.empty()) return;
    run->vertices.failed(fact);
    if (!run->failed && fact.number != 0)
      run->failed = Step{fact.number, fact.total, fact.stage, {}, {}, {}, Attribution::kExact};
    return;
  }
  std::size_t grown = 0;
  const std::size_t room = free();
  const Vertex* vertex = run->vertices.learn(fact, room, grown);
  vertex_bytes_ += grown;
  if (vertex == nullptr) {
    run->lossy = true;
    return lose("vertices", 1, fact.time, fact.call, run);
  }
  vertex_bytes_ += run->vertices.place(fact, free());
  if (!fact.error.empty()) note_failure(*run, *vertex);
  if (vertex->cached || vertex->first_started == 0) return;
  // A step runs: the graph was complete before, with every image that it starts from.
  known(*run, fact.time);
  for (const std::string& id : run->containers) {
    Container* container = containers_.find(id);
    if (container != nullptr) decide_waiting(*container, fact.time);
  }
}

void Tracker::on(const BuilderClock& fact) {
  Run* run = active_run(fact.call, fact.time);
  if (run != nullptr) run->vertices.learn(fact);
}

// A container of BuildKit's was met, or what it runs is known now.
void Tracker::note_step(const Container& container) {
  if (!container.layers.empty() && container.init_pid != 0)
    layers_.insert(container.layers.front(), {container.init_args, container.args_cut});
  for (auto& [call, run] : runs_) {
    if (!run.build.request.buildkit || !in_window(run, container)) continue;
    if (run.containers.size() < kMaxSteps) run.containers.insert(container.id);
    run.running = container.id;
  }
  Container* met = containers_.find(container.id);
  if (met != nullptr) decide_waiting(*met, now_);
}

void Tracker::expect_upload(const BuildRequested& fact) {
  if (uploads_.size() >= kMaxUploads) return lose("uploads", 1, fact.time);
  uploads_[fact.call].ref = fact.upload_for;
  timers_.at(fact.time + kPeerWait, [this, call = fact.call](TimeNs) { uploads_.erase(call); });
}

void Tracker::take_upload(const DockerfileSeen& fact) {
  const auto upload = uploads_.find(fact.call);
  if (upload == uploads_.end()) return;
  upload->second.dockerfile = fact;
  for (auto& [call, run] : runs_) {
    if (run.build.request.build_ref == upload->second.ref) meet_upload(run);
  }
}

// The request and its context may come in any order.
void Tracker::meet_upload(Run& run) {
  for (const auto& [call, upload] : uploads_) {
    if (upload.ref != run.build.request.build_ref || !upload.dockerfile || run.build.dockerfile)
      continue;
    DockerfileSeen dockerfile = *upload.dockerfile;
    dockerfile.call = run.build.request.call;
    return on(dockerfile);
  }
}

// What is known of steps that did not run, or failed.
std::vector<Reason> Tracker::vertex_reasons(const Run& run) {
  std::vector<Reason> reasons;
  std::size_t cached = 0;
  const auto& vertices = run.vertices.all();
  for (const auto& [digest, vertex] : vertices) {
    if (vertex.cached) ++cached;
    if (vertex.error.empty() || reasons.size() >= kMaxCandidates) continue;
    const std::string stage = vertex.stage.empty() ? "" : " of stage " + vertex.stage;
    reasons.push_back(
        {"step-failed", "step " + std::to_string(vertex.number) + stage + ": " + vertex.error});
  }
  if (!run.vertices.failure().empty()) reasons.push_back({"step-failed", run.vertices.failure()});
  if (!vertices.empty() && cached == vertices.size())
    reasons.push_back({"cached", "every RUN step came from the cache: nothing ran"});
  return reasons;
}

}  // namespace kilnwatch::tracker
