// Which step of which BuildKit build a container is.
#include <algorithm>
#include <iterator>

#include "identity/container.h"
#include "tracker/dockerfile_step.h"
#include "tracker/step_flags.h"
#include "tracker/tracker.h"
#include "tracker/vertex_text.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

// Whether the container may have run for this step, by when each began and ended: it begins after
// the step and is over before it.
bool in_time(const Vertices& vertices, const Vertex& vertex, const Container& container) {
  constexpr auto slack = static_cast<std::int64_t>(kSlack);
  const auto began = static_cast<std::int64_t>(container.first_seen);
  const auto alive = static_cast<std::int64_t>(std::max(container.exited, container.last_seen));
  if (const auto from = vertices.ours(vertex.first_started);
      from && vertex.first_started != 0 && from->from > began + slack)
    return false;
  const auto until = vertices.ours(vertex.completed);
  return !until || !vertex.done() || until->to + slack >= alive;
}

// Whether the layer that the container writes to may have been made for this step, by one and the
// same clock: BuildKit stamps the begin of a step before it makes its layer (solver/jobs.go: Exec;
// ops/exec.go: PrepareMounts), file systems stamp with the time of the last tick.
bool layer_in_time(const Vertex& vertex, const Container& container) {
  constexpr std::int64_t kTick = 10'000'000;  // 100 Hz, the slowest that kernels are built with
  const auto born = static_cast<std::int64_t>(container.layer_born);
  if (born == 0) return true;
  return vertex.first_started <= born + kTick && (!vertex.done() || vertex.completed >= born);
}

const Reason kUnknownBuild = {"build-unknown",
                              "facts were not seen by which it could be told from a build, or a "
                              "step, that is not known"};

Reason any_step_of(const Build& build) {
  return {"candidate", "build " + build.id + " step unknown"};
}

// Whether one of the builds is none of those whose step was found.
bool may_be_other(const auto& found, const auto& lossy) {
  return std::ranges::any_of(lossy, [&](const auto* run) {
    return std::ranges::none_of(found, [&](const auto& match) {
      return match.run == run || std::ranges::find(match.shared, run) != match.shared.end();
    });
  });
}

// What ran: the name has values of ENV and ARG in the place of their names, argv has not.
std::string instruction_of(const Vertex& vertex, const Container& container) {
  const std::string ran = tracker::instruction_of(container.init_args);
  return !ran.empty() && !container.args_cut ? ran : vertex.text;
}

}  // namespace

// Each layer of the container's root that a step made is of a step below the vertex: a step that
// the graph has there must run what made the layer, whoever ran it and when.
bool Tracker::stands_on(const Run& run, const Vertex& vertex, const Container& container) const {
  for (std::size_t i = 1; i < container.layers.size(); ++i) {
    const Ran* ran = layers_.find(container.layers[i]);
    if (ran == nullptr) continue;
    const auto made = [ran](const Vertex& below) {
      return compare_vertex(below.text, ran->args, ran->cut) != Agreement::kDiffers;
    };
    if (run.vertices.none_below(vertex.digest, made)) return false;
  }
  return true;
}

// `settled`: what BuildKit did not tell by now did not happen.
std::vector<Tracker::Match> Tracker::matches(const Container& container, bool settled) {
  std::vector<Match> sure, possible;
  for (auto& [call, run] : runs_) {
    if (!run.build.request.buildkit || !in_window(run, container)) continue;
    for (const auto& [digest, vertex] : run.vertices.all()) {
      if (vertex.cached || !in_time(run.vertices, vertex, container)) continue;
      if (!run.lossy && !layer_in_time(vertex, container)) continue;
      if (vertex.first_started == 0 && settled && !run.lossy) continue;
      const Agreement a = compare_vertex(vertex.text, container.init_args, container.args_cut);
      if (a == Agreement::kDiffers || !stands_on(run, vertex, container)) continue;
      (a == Agreement::kAgrees ? sure : possible)
          .push_back({&run, &vertex, a == Agreement::kAgrees});
    }
  }
  auto& found = sure.empty() ? possible : sure;
  // One node of two builds runs once, for both: the first one asked for it.
  std::stable_sort(found.begin(), found.end(), [](const Match& a, const Match& b) {
    return a.run->build.started < b.run->build.started;
  });
  std::vector<Match> nodes;
  for (Match& match : found) {
    const auto same = std::find_if(nodes.begin(), nodes.end(), [&](const Match& m) {
      return m.vertex->digest == match.vertex->digest;
    });
    if (same == nodes.end()) {
      nodes.push_back(std::move(match));
    } else {
      same->shared.push_back(match.run);
    }
  }
  return nodes;
}

// Steps that other containers must be. `contended`: another one can only be the same.
void Tracker::eliminate(const Container& container, std::vector<Match>& left, bool& contended) {
  std::map<std::string, std::vector<Match>> others;  // whose steps must have been told by now
  for (const auto& [call, run] : runs_) {
    for (const std::string& id : run.containers) {
      const Container* other = id != container.id ? containers_.find(id) : nullptr;
      if (other == nullptr || others.contains(id)) continue;
      if (now_ >= other->first_seen + kEgressWait) {
        others[id] = matches(*other, true);
        continue;
      }
      const auto young = matches(*other, false);
      contended = contended || (young.size() == 1 && young.front().sure && left.size() == 1 &&
                                young.front().vertex == left.front().vertex);
    }
  }
  const auto is = [](const std::string& digest) {
    return [&digest](const Match& m) { return m.vertex->digest == digest; };
  };
  for (bool again = true; again;) {
    again = false;
    for (const auto& [id, one] : others) {
      if (one.size() != 1 || !one.front().sure) continue;
      const std::string digest = one.front().vertex->digest;
      if (left.size() == 1 && left.front().vertex->digest == digest) contended = true;
      if (left.size() > 1 && std::erase_if(left, is(digest)) > 0) again = true;
      for (auto& [other, list] : others) {
        if (other != id && list.size() > 1 && std::erase_if(list, is(digest)) > 0) again = true;
      }
    }
  }
}

// Another container that runs the same may be that step, too: the request of a build may have been
// lost.
bool Tracker::rivalled(const Container& container, const Match& match) {
  const auto& all = match.run->containers;
  return std::any_of(all.begin(), all.end(), [&](const std::string& id) {
    const Container* other = id != container.id ? containers_.find(id) : nullptr;
    if (other == nullptr || other->init_args != container.init_args) return false;
    const auto may = matches(*other, false);
    return std::any_of(may.begin(), may.end(),
                       [&](const Match& m) { return m.vertex == match.vertex; });
  });
}

// No other step can have begun by then that was not told.
bool Tracker::all_told(const Run& own, const Container& container) const {
  for (const auto& [call, run] : runs_) {
    if (!run.build.request.buildkit || !in_window(run, container)) continue;
    if (run.lossy || run.build.request.quiet) return false;
    const bool others =
        std::any_of(run.vertices.all().begin(), run.vertices.all().end(), [&](const auto& entry) {
          const Vertex& v = entry.second;
          return v.first_started == 0 && !v.cached &&
                 compare_vertex(v.text, container.init_args, container.args_cut) !=
                     Agreement::kDiffers &&
                 stands_on(run, v, container);
        });
    const bool graphless = &run != &own && run.vertices.all().empty();
    if ((others || graphless) && !run.vertices.told_until(container.first_seen)) return false;
  }
  return true;
}

// A build may be at work that is not known.
bool Tracker::hides_buildkit(const Container& container, bool last) const {
  // Longer than a build needs from its Dockerfile to a step; a session may stay open without one.
  constexpr TimeNs kUnmet = 600 * kSecond;
  const TimeNs began = container.first_seen;
  return lost_before(container) || std::any_of(conns_.begin(), conns_.end(), [&](const auto& one) {
           const Conn& conn = one.second;
           const TimeNs until = conn.closed == 0 ? now_ : conn.closed;
           // A request may still come; sessions without a build are short.
           const bool waits = until < conn.session_opened + kRequestWait;
           return !conn.session.empty() && !(waits && last) &&
                  conn.session_opened <= began + kSlack && began <= conn.session_opened + kUnmet &&
                  began <= until + kSlack;
         });
}

Tracker::Owner Tracker::vertex_owner(const Container& container, bool last) {
  Owner owner;
  if (!container.start_seen) return owner;
  const bool settled = last && now_ >= container.first_seen + kEgressWait;
  auto found = matches(container, settled);
  std::vector<Run*> quiet;  // builds whose steps are not told
  std::vector<Run*> lossy;  // builds that may have steps that were not told
  std::size_t graphless = 0;
  for (auto& [call, run] : runs_) {
    if (!run.build.request.buildkit || !in_window(run, container)) continue;
    if (run.vertices.all().empty()) ++graphless;
    if (run.lossy) lossy.push_back(&run);
    // Nobody asked how it goes.
    const bool silent = last && run.vertices.all().empty();
    if (run.build.request.quiet || silent) quiet.push_back(&run);
  }
  bool contended = false;
  if (last) {
    eliminate(container, found, contended);
    // What was not told to have begun has, or something of another build is not known.
    if (contended) found = matches(container, false);
  } else {  // only what can not be otherwise
    const bool alone =
        graphless == 0 && lossy.empty() && quiet.empty() && found.size() == 1 && found.front().sure;
    if (!alone || found.front().vertex->first_started == 0 || hides_buildkit(container, false) ||
        rivalled(container, found.front()))
      return owner;
  }
  const bool hidden = last && hides_buildkit(container, true);
  if (found.empty()) {
    std::vector<Candidate> runs;
    for (Run* run : quiet) runs.push_back({run, 0});
    owner = choose(runs, container);
    if (owner.run != nullptr) {
      if ((owner.run->lossy || hidden) && runs.size() == 1) {  // or of one that was not met
        owner.unsure = true;
        owner.step.attribution = Attribution::kAmbiguous;
        owner.reasons.push_back(any_step_of(owner.run->build));
        owner.reasons.push_back(kUnknownBuild);
      }
      owner.reasons.push_back({"told-from-kernel-facts",
                               "BuildKit told of no step that this container is; when it started "
                               "tells the build"});
      const auto& dockerfile = owner.run->build.dockerfile;
      const auto step = dockerfile && owner.runs.size() == 1
                            ? step_in(*dockerfile, container.init_args, container.args_cut)
                            : std::nullopt;
      if (step) {
        owner.step.number = step->number;
        owner.step.total = step->total;
        owner.step.stage = step->stage;
      }
    }
    return owner;
  }
  const Vertex& first = *found.front().vertex;
  owner.run = found.front().run;
  const auto may_be_of = [&owner](Run* run) {
    if (std::find(owner.runs.begin(), owner.runs.end(), run) == owner.runs.end())
      owner.runs.push_back(run);
  };
  for (const Match& m : found) may_be_of(m.run);
  owner.step.number = first.number;
  owner.step.total = first.total;
  owner.step.stage = first.stage;
  owner.step.instruction = instruction_of(first, container);
  if (found.size() == 1 && !found.front().sure && owner.run->lossy) {
    // Others may not have been told, and what it runs is not known.
    owner.step.number = owner.step.total = 0;
    owner.step.stage.clear();
    owner.step.instruction = tracker::instruction_of(container.init_args);
  }
  const bool exact =
      found.front().sure && container.init_pid != 0 && all_told(*owner.run, container);
  owner.step.attribution = exact ? Attribution::kExact : Attribution::kInferred;
  if (!first.error.empty()) owner.reasons.push_back({"step-failed", first.error});
  // The same step may be another build's that was not heard telling of it, or was not met at all.
  // So may one that is like any.
  const bool other =
      hidden || (!found.front().sure && owner.run->lossy) || may_be_other(found, lossy);
  if (found.size() == 1 && !contended && !other) {
    owner.shared = found.front().shared;
    for (const Run* run : owner.shared) {
      if (owner.reasons.size() >= kMaxCandidates) break;
      owner.reasons.push_back(
          {"step-shared",
           "build " + run->build.id + " has the same step, which " + "runs once for both"});
    }
    std::ranges::move(flag_reasons(first.text), std::back_inserter(owner.reasons));
    if (!exact) {
      owner.reasons.push_back(
          {"told-from-kernel-facts", "what the container runs and when it started tell the step"});
    }
    return owner;
  }
  owner.step.attribution = Attribution::kAmbiguous;
  owner.reasons.clear();
  for (const Match& m : found) {
    std::ranges::copy(m.shared, std::back_inserter(owner.shared));
    const Vertex& v = *m.vertex;
    if (v.number != owner.step.number) owner.step.number = 0;
    if (v.total != owner.step.total) owner.step.total = 0;
    if (v.stage != owner.step.stage) owner.step.stage.clear();
    if (instruction_of(v, container) != owner.step.instruction)
      owner.step.instruction = tracker::instruction_of(container.init_args);
    if (owner.reasons.size() >= kMaxCandidates) continue;
    const std::string stage = v.stage.empty() ? "" : " of stage " + v.stage;
    owner.reasons.push_back({"candidate", "build " + m.run->build.id + " step " +
                                              std::to_string(v.number) + stage + ": " +
                                              instruction_of(v, container)});
  }
  const auto add_run = [&](Run* run) {
    may_be_of(run);
    if (owner.reasons.size() < kMaxCandidates) owner.reasons.push_back(any_step_of(run->build));
  };
  for (Run* run : quiet) {
    if (contended && run != owner.run) add_run(run);
  }
  for (Run* run : lossy) {
    if (other) add_run(run);
  }
  owner.unsure = contended || other;
  if (other) owner.reasons.push_back(kUnknownBuild);
  if (contended) {
    owner.reasons.push_back(
        {"step-contended", "another container can be no other step than this one"});
  }
  return owner;
}

}  // namespace kilnwatch::tracker
