#include "engine/podman/image_call.h"

#include "base/hex_id.h"
#include "base/text.h"
#include "engine/docker/image_call.h"
#include "engine/docker/mask.h"
#include "protocol/json/json.h"

namespace kilnwatch::engine::podman {
namespace {

using docker::Kind;
using domain::Direction;

constexpr std::size_t kMaxLoaded = 128;  // names of one archive kept

// An id with or without its algorithm; empty: it is none.
std::string whole_id(const std::string& text) {
  if (base::is_digest(text)) return text;
  return base::is_hex_id(text) ? "sha256:" + text : std::string();
}

std::string reference_in(const Route& route) {
  const auto one = [&](std::string_view key) { return route.query.last_folded(key); };
  if (route.kind == Kind::kLoad) return {};
  if (route.libpod && route.kind != Kind::kCommit) return one("reference");
  const auto name = one(route.kind == Kind::kPull ? "fromimage" : "repo");
  return docker::reference_of(name, one("tag"));
}

}  // namespace

ImageCall::ImageCall(domain::CallId id, const Route& route)
    : Call(route.kind), id_(id), reference_(reference_in(route)) {
  const auto all = base::lower(route.query.last_folded("alltags"));
  all_tags_ = kind() == Kind::kPull && route.libpod && (all == "1" || all == "true");
}

void ImageCall::answer_body(const docker::Scene& scene, std::uint64_t pos, std::string_view bytes) {
  if (status_ / 100 != 2) return;
  lines_.add(pos, bytes,
             [&](Gathered& message, bool whole) { take_message(scene, message, whole); });
}

void ImageCall::take_message(const docker::Scene& scene, Gathered& message, bool whole) {
  if (!whole || !read(message.bytes())) return;
  message.vouch(Direction::kResponse, 0, message.size(),
                docker::masked_message(message.bytes(), names_.empty() ? "" : names_.front()),
                scene.out->safe);
}

// True: the message says what was done.
bool ImageCall::read(std::string_view json) {
  const auto value = protocol::parse_json(json);
  if (!value) return false;
  const auto text_of = [&](std::string_view key) {
    return protocol::json_string(protocol::json_find(*value, key));
  };
  if (!text_of("error").empty() || protocol::json_find(*value, "errorDetail") != nullptr) {
    failed_ = true;
    return true;
  }
  if (kind() == Kind::kLoad) {
    names_ = protocol::json_strings(protocol::json_find(*value, "Names"));
    constexpr std::string_view kLoaded = "Loaded image: ";
    std::string_view said;
    const auto stream = text_of("stream");
    if (stream.starts_with(kLoaded)) said = std::string_view(stream).substr(kLoaded.size());
    while (!said.empty()) {  // compat: all of them, with commas
      const auto end = std::min(said.find_first_of(",\n"), said.size());
      if (end > 0) names_.emplace_back(said.substr(0, end));
      said.remove_prefix(std::min(said.size(), end + 1));
    }
    if (names_.size() > kMaxLoaded) names_.resize(kMaxLoaded);
    return !names_.empty();
  }
  // libpod's pull has lines of progress, of which only the last one has an id; in those of the
  // compat API ids are of layers, and 12 digits of the image's are in the last.
  auto id = whole_id(text_of("Id"));
  if (id.empty() && kind() == Kind::kCommit) id = whole_id(base::trimmed(text_of("stream")));
  if (id.empty() && kind() == Kind::kImport) id = whole_id(base::trimmed(text_of("status")));
  if (!id.empty()) image_ = id;
  const bool complete = kind() == Kind::kPull && text_of("status") == "Download complete";
  done_ = done_ || complete || !id.empty();
  return complete || !id.empty();
}

void ImageCall::tell(const docker::Scene& scene, std::string_view reference, bool certain) const {
  auto arrival = domain::Arrival::kCommit;
  if (kind() == Kind::kPull) arrival = domain::Arrival::kPull;
  if (kind() == Kind::kLoad) arrival = domain::Arrival::kLoad;
  if (kind() == Kind::kImport) arrival = domain::Arrival::kImport;
  domain::ImageMoved moved;
  moved.time = scene.now;
  moved.call = id_;
  moved.reference = docker::safe_reference(reference);
  moved.all_tags = all_tags_;
  moved.image = image_;
  moved.certain = certain;
  moved.arrival = arrival;
  scene.out->facts.emplace_back(std::move(moved));
}

void ImageCall::answer_hole(const docker::Scene& scene, bool lost) {
  lost_ = lost_ || lost;
  lines_.hole([&](Gathered& message, bool whole) { take_message(scene, message, whole); });
}

void ImageCall::answer_end(const docker::Scene& scene) {
  lines_.finish([&](Gathered& message, bool whole) { take_message(scene, message, whole); }, true);
  finish(scene, true);
}

void ImageCall::cut(const docker::Scene& scene, docker::Cut how) {
  lines_.finish([&](Gathered& message, bool whole) { take_message(scene, message, whole); }, false);
  lost_ = lost_ || how == docker::Cut::kLost;
  finish(scene, false);
}

void ImageCall::finish(const docker::Scene& scene, bool over) {
  if (status_ != 0 && status_ / 100 != 2) return;
  // A client that goes away does not stop what podman does with a request that it has read.
  const bool unseen = lost_ || (!over && request_done);
  if (kind() == Kind::kLoad) {
    // Where the name was another image's before is not said.
    for (const auto& name : names_) tell(scene, name, false);
    if (names_.empty() && unseen) tell(scene, {}, false);
    return;
  }
  if (reference_.empty() || reference_.find('@') != reference_.npos || (failed_ && !lost_)) return;
  if (done_ && !failed_) {
    tell(scene, reference_, !all_tags_ && !image_.empty());
  } else if (unseen) {
    tell(scene, reference_, false);
  }
}

std::optional<std::uint64_t> ImageCall::held(Direction direction) const {
  if (direction == Direction::kRequest || lines_.empty()) return std::nullopt;
  return lines_.first_pos();
}

std::size_t ImageCall::held_bytes() const {
  std::size_t sum = sizeof(*this) + reference_.capacity() + lines_.held_bytes() + image_.capacity();
  for (const auto& name : names_) sum += name.capacity();
  return sum;
}

}  // namespace kilnwatch::engine::podman
