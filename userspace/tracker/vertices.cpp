#include "tracker/vertices.h"

#include <algorithm>

namespace kilnwatch::tracker {

using domain::TimeNs;

namespace {

// Instructions of a Dockerfile that change files and run nothing. Another node may be a step that a
// client calls by a name of its own.
bool copies(const std::string& text) {
  return text.starts_with("COPY ") || text.starts_with("ADD ") || text.starts_with("WORKDIR ");
}

}  // namespace

const Vertex* Vertices::learn(const domain::VertexSeen& fact, std::size_t room,
                              std::size_t& grown) {
  grown = 0;
  auto it = all_.find(fact.digest);
  if (it == all_.end()) {
    std::string text = fact.text;
    if (text.size() > kMaxVertexText) text.replace(kMaxVertexText, text.npos, "***");
    const std::size_t bytes = sizeof(Vertex) + fact.digest.size() + fact.stage.size() + text.size();
    if (all_.size() >= kMaxVertices || bytes > room) return nullptr;
    grown = bytes;
    bytes_ += bytes;
    it = all_.emplace(fact.digest, Vertex{}).first;
    it->second.digest = fact.digest;
    it->second.stage = fact.stage;
    it->second.number = fact.number;
    it->second.total = fact.total;
    it->second.text = std::move(text);
  }
  Vertex& vertex = it->second;
  vertex.cached = vertex.cached || fact.cached;
  if (!fact.error.empty()) vertex.error = fact.error;
  const auto started = static_cast<std::int64_t>(fact.started);
  if (started != 0) {
    if (vertex.first_started == 0) vertex.first_started = started;
    vertex.first_started = std::min(vertex.first_started, started);
    vertex.last_started = std::max(vertex.last_started, started);
  }
  vertex.completed = std::max(vertex.completed, static_cast<std::int64_t>(fact.completed));
  return &vertex;
}

std::size_t Vertices::note_added(const domain::VertexSeen& fact, std::size_t room) {
  const std::string& text = fact.text;
  const bool fetches = text.find("://") != text.npos || text.find(" git@") != text.npos;
  const bool adds = text.starts_with("ADD ") || text.starts_with("ONBUILD ADD ");
  if (fact.number == 0 || !adds || !fetches) return 0;
  if (std::find(added_.begin(), added_.end(), text) != added_.end()) return 0;
  if (text.size() > kMaxVertexText || text.size() > room || added_.size() >= kMaxAdded) {
    ++added_refused_;
    return 0;
  }
  added_.push_back(text);
  bytes_ += text.size();
  return text.size();
}

std::size_t Vertices::place(const domain::VertexSeen& fact, std::size_t room) {
  const std::size_t added = note_added(fact, room);
  room -= added;
  std::size_t bytes = fact.digest.size();
  for (const auto& input : fact.inputs) bytes += sizeof(input) + input.size();
  // A command needs something that it runs on: it was not told.
  if (fact.kind == domain::VertexKind::kRun && fact.inputs.empty()) return added;
  const bool runs_nothing = fact.kind == domain::VertexKind::kBase || fact.inputs.empty() ||
                            (fact.number != 0 && copies(fact.text));
  if (fact.kind != domain::VertexKind::kRun && !runs_nothing) return added;
  if (!fact.whole || inputs_.contains(fact.digest) || inputs_.size() >= kMaxNodes || bytes > room)
    return added;
  inputs_.emplace(fact.digest, fact.inputs);
  bytes_ += bytes;
  return added + bytes;
}

void Vertices::learn(const domain::BuilderClock& fact) {
  const auto reached = static_cast<std::int64_t>(fact.reached);
  reached_ = std::max(reached_, reached);
  const auto ahead = reached - static_cast<std::int64_t>(fact.time);
  ahead_ = std::max(ahead_.value_or(ahead), ahead);
}

void Vertices::failed(const domain::VertexSeen& fact) {
  if (failure_.empty()) failure_ = fact.text + ": " + fact.error;
}

std::optional<Vertices::Span> Vertices::ours(std::int64_t at) const {
  if (!ahead_) return std::nullopt;
  return Span{at - *ahead_ - kFastest, at - *ahead_};
}

bool Vertices::told_until(TimeNs time) const {
  const auto span = ours(reached_);
  return span && span->from >= static_cast<std::int64_t>(time);
}

}  // namespace kilnwatch::tracker
