#include "engine/docker/image_call.h"

#include <algorithm>
#include <utility>

#include "base/secrets.h"
#include "base/text.h"
#include "engine/docker/mask.h"
#include "protocol/json/json.h"

namespace kilnwatch::engine::docker {
namespace {

using domain::Direction;

constexpr std::size_t kMaxMessage = 4096;  // those that count are a reference and an id long

// Of "host:5000/name:tag" the place of ":tag"; its end when there is none.
std::size_t tag_of(std::string_view name) {
  const auto slash = name.rfind('/');
  return std::min(name.find_first_of(":@", slash == name.npos ? 0 : slash), name.size());
}

// moby: daemon/images/image_import.go. A dash: the body of the request.
std::string source_of(const std::string& from) {
  if (from.empty() || from == "-") return {};
  return base::mask_text(from.find("://") == from.npos ? "http://" + from : from);
}

}  // namespace

std::string reference_of(std::string_view name, std::string_view tag) {
  if (name.ends_with(':')) name.remove_suffix(1);  // moby: "special case: pull -a"
  if (name.empty() || tag.empty()) return std::string(name);
  return std::string(name.substr(0, tag_of(name))) + (base::is_digest(tag) ? "@" : ":") +
         std::string(tag);
}

ImageCall::ImageCall(const protocol::Head& head, domain::CallId id, const Route& route)
    : Call(route.kind), id_(id) {
  request_.method = head.first;
  request_.path = base::mask_text(route.path);
  request_.api_version = route.version;
  request_.user_agent = base::mask_text(head.field("user-agent"));
  if (kind() == Kind::kImport) request_.source = source_of(route.query.first("fromSrc"));
  if (kind() == Kind::kCommit) request_.container = safe_reference(route.query.first("container"));
  if (kind() == Kind::kLoad) return;
  if (kind() == Kind::kPush) {
    reference_ = route.name;
    return;
  }
  const auto name = route.query.first(kind() == Kind::kPull ? "fromImage" : "repo");
  reference_ = reference_of(name, route.query.first("tag"));
  all_tags_ = kind() == Kind::kPull && tag_of(reference_) == reference_.size();
}

void ImageCall::answer_body(const Scene& scene, std::uint64_t pos, std::string_view bytes) {
  if (status_ / 100 != 2) return;
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto n = end == bytes.npos ? bytes.size() : end + 1;
    const auto room = std::min(n, kMaxMessage - message_.size());
    message_.add(pos, bytes.substr(0, room));
    long_ = long_ || room < n;
    pos += n;
    bytes.remove_prefix(n);
    if (end != std::string_view::npos) take_message(scene);
  }
}

void ImageCall::take_message(const Scene& scene) {
  std::string reference;
  if (!std::exchange(long_, false)) {
    // Of one that says nothing its end stays: a recording without it would join it to the next.
    std::string kept(message_.size(), '*');
    if (message_.bytes().ends_with('\n')) kept.back() = '\n';
    if (read(scene, reference)) kept = masked_message(message_.bytes(), reference);
    message_.vouch(Direction::kResponse, 0, message_.size(), kept, scene.out->safe);
  }
  message_.clear();
}

// True: the message says what became of a reference, named in `reference` where it is in the text.
bool ImageCall::read(const Scene& scene, std::string& reference) {
  const auto value = protocol::parse_json(message_.bytes());
  if (!value) return false;
  const auto text_of = [&](std::string_view key) {
    return protocol::json_string(protocol::json_find(*value, key));
  };
  if (!text_of("error").empty() || protocol::json_find(*value, "errorDetail") != nullptr) {
    failed_ = true;
    return true;
  }
  if (kind() == Kind::kCommit) {
    const auto id = text_of("Id");
    if (base::is_digest(id)) image_ = id;
    return !image_.empty();
  }
  if (kind() == Kind::kLoad) return loaded(scene, text_of("stream"), reference);
  const auto status = text_of("status");
  if (kind() == Kind::kPush) return pushed(scene, status);
  if (status.starts_with("Status: ")) reference = status.substr(status.rfind(' ') + 1);
  return status_line(status);
}

// moby: daemon/internal/distribution/pull.go, writeStatus; daemon/images/image_import.go.
bool ImageCall::status_line(const std::string& text) {
  if (kind() == Kind::kImport) {
    if (!base::is_digest(text)) return false;
    image_ = text;
  } else if (text.starts_with("Digest: ")) {
    if (!base::is_digest(text.substr(8))) return false;
    image_ = text.substr(8);  // of the manifest: where images are kept by containerd, the id
  } else if (text.starts_with("Status: Downloaded newer image for ")) {
    newer_ = true;
  } else if (text.starts_with("Status: Image is up to date for ")) {
    up_to_date_ = true;
  } else {
    return false;
  }
  return true;
}

// moby: daemon/internal/distribution/push_v2.go, daemon/containerd/image_push.go: one line for each
// tag.
bool ImageCall::pushed(const Scene& scene, std::string_view text) const {
  constexpr std::string_view kDigest = ": digest: ";
  const auto at = text.find(kDigest);
  if (at == text.npos) return false;
  const auto digest = text.substr(at + kDigest.size());
  const auto end = std::min(digest.find(' '), digest.size());
  if (!base::is_digest(digest.substr(0, end))) return false;
  scene.out->facts.emplace_back(domain::ImagePushed{
      scene.now, id_, safe_reference(reference_of(reference_, text.substr(0, at))),
      std::string(digest.substr(0, end))});
  return true;
}

// moby: daemon/internal/image/tarexport/load.go, Load and setLoadedTag. Where images are kept by
// containerd nothing is said of a name that was taken, so without that line it may be the same
// image again.
bool ImageCall::loaded(const Scene& scene, std::string_view text, std::string& reference) {
  constexpr std::string_view kLoaded = "Loaded image: ";
  constexpr std::string_view kLoadedId = "Loaded image ID: ";
  constexpr std::string_view kTaken = "The image ";
  constexpr std::string_view kTakenEnd = " already exists, renaming the old one with ID ";
  while (text.ends_with('\n')) text.remove_suffix(1);
  // The latter is how the store of containerd names an image without a name.
  for (const auto lead : {kLoadedId, kLoaded}) {
    if (!text.starts_with(lead) || !base::is_digest(text.substr(lead.size()))) continue;
    image_ = text.substr(lead.size());
    tell(scene, {}, true);
    image_.clear();
    return true;
  }
  if (text.starts_with(kLoaded)) {
    reference = text.substr(kLoaded.size());
    tell(scene, reference, renamed_ == reference);
    renamed_.clear();
    return true;
  }
  const auto end = text.find(kTakenEnd);
  if (!text.starts_with(kTaken) || end == text.npos) return false;
  reference = renamed_ = text.substr(kTaken.size(), end - kTaken.size());
  return true;
}

domain::Arrival ImageCall::arrival() const {
  if (kind() == Kind::kPull) return domain::Arrival::kPull;
  if (kind() == Kind::kLoad) return domain::Arrival::kLoad;
  return kind() == Kind::kImport ? domain::Arrival::kImport : domain::Arrival::kCommit;
}

void ImageCall::tell(const Scene& scene, std::string_view reference, bool certain) const {
  domain::ImageMoved moved{
      scene.now, id_,      safe_reference(reference), all_tags_, certain ? image_ : "",
      certain,   arrival()};
  moved.request = request_;
  scene.out->facts.emplace_back(std::move(moved));
}

// It may have come, or not.
void ImageCall::tell_unseen(const Scene& scene, std::string_view reference) const {
  if (kind() == Kind::kLoad || !reference.empty()) {
    domain::ImageMoved moved{scene.now, id_,      safe_reference(reference), all_tags_, {},
                             false,     arrival()};
    moved.perhaps = true;
    scene.out->facts.emplace_back(std::move(moved));
  }
  if (kind() != Kind::kPull)
    scene.blind("how a load, an import or a commit of an image ended was not seen");
}

void ImageCall::answer_hole(const Scene&, bool lost) {
  message_.clear();
  long_ = true;  // what comes next may be the rest of a message
  lost_ = lost_ || lost;
}

void ImageCall::answer_end(const Scene& scene) {
  if (!message_.empty()) take_message(scene);
  finish(scene);
}

void ImageCall::cut(const Scene& scene, Cut how) {
  lost_ = lost_ || how == Cut::kLost;
  cut_ = true;
  finish(scene);
}

// A client that goes away does not stop what the engine does with a request that it has read.
void ImageCall::finish(const Scene& scene) {
  if (status_ != 0 && status_ / 100 != 2) return;
  const bool unseen = lost_ || (cut_ && request_done);
  if (kind() == Kind::kPush) return;
  if (kind() == Kind::kLoad) {
    if (unseen) tell_unseen(scene, {});
    return;
  }
  const bool pull = kind() == Kind::kPull;
  if (reference_.find('@') != reference_.npos) reference_.clear();  // no name is moved
  if (pull && reference_.empty()) return;
  const bool done = pull ? newer_ : !image_.empty();
  // A pull names the digest before it moves the name, and last says whether it did.
  const bool may_be_done = lost_ || (pull ? !image_.empty() && !up_to_date_ : unseen);
  if (done && !failed_) {
    tell(scene, reference_, !all_tags_);
  } else if (may_be_done && (lost_ || !failed_)) {
    tell_unseen(scene, reference_);
  }
}

std::optional<std::uint64_t> ImageCall::held(Direction direction) const {
  if (direction == Direction::kRequest || message_.empty()) return std::nullopt;
  return message_.first_pos();
}

std::size_t ImageCall::held_bytes() const {
  return sizeof(*this) + reference_.capacity() + message_.held_bytes() + image_.capacity() +
         renamed_.capacity() + request_.path.capacity() + request_.user_agent.capacity() +
         request_.source.capacity() + request_.container.capacity();
}

}  // namespace kilnwatch::engine::docker
