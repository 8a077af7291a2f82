#include "tracker/images.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace kilnwatch::tracker {
namespace {

constexpr std::string_view kAlgorithm = "sha256:";
constexpr std::size_t kFullId = 64;

std::string bare(const std::string& id) {
  return id.starts_with(kAlgorithm) ? id.substr(kAlgorithm.size()) : id;
}

bool is_live(const Made& made, domain::TimeNs now) { return made.time + kDeployWindow >= now; }

}  // namespace

std::string normalise_image(const std::string& name) {
  if (name.starts_with(kAlgorithm)) return name;
  std::string out = name;
  const std::size_t slash = out.find('/');
  const std::string host = slash == std::string::npos ? "" : out.substr(0, slash);
  if (slash == std::string::npos) {
    out = "docker.io/library/" + out;
  } else if (host.find_first_of(".:") == std::string::npos && host != "localhost") {
    out = "docker.io/" + out;
  }
  const std::size_t last = out.rfind('/');
  if (out.find_first_of(":@", last) == std::string::npos) out += ":latest";
  return out;
}

// Where images of both kinds have the same short name the last one that was given it counts.
std::string Images::normal(const std::string& name) const {
  constexpr std::string_view kLocal = "localhost/";
  const bool local = names_ == Names::kPodman && name.starts_with(kLocal);
  return normalise_image(local ? name.substr(kLocal.size()) : name);
}

void Images::release(const std::string& normal_tag) {
  const auto is_it = [&](const std::string& t) { return normal(t) == normal_tag; };
  for (Made& made : images_) {
    std::erase_if(made.image.tags, is_it);
    std::erase_if(made.doubtful, is_it);
  }
}

void Images::name(Place at, const std::string& tag) {
  Made& made = images_[at.index];
  if (made.image.tags.size() + made.doubtful.size() >= kMaxImageNames) {
    ++refused_;
    return;
  }
  (at.certain ? made.image.tags : made.doubtful).push_back(tag);
}

void Images::add(Made made) {
  if (images_.size() >= kMaxImages) images_.pop_front();
  for (const std::string& t : made.image.tags) release(normal(t));
  images_.push_back(std::move(made));
}

void Images::tag(const std::string& source, const std::string& tag, domain::TimeNs now) {
  const Place at = locate(source, now);
  release(normal(tag));
  if (at.index != kNone) name(at, tag);
}

void Images::move(const domain::ImageMoved& moved) {
  if (!moved.certain) return doubt(moved);
  release(normal(moved.reference));
  const std::size_t at = moved.image.empty() ? kNone : by_id(moved.image, moved.time);
  if (at != kNone) name({at, true}, moved.reference);
}

void Images::doubt(const domain::ImageMoved& moved) {
  const std::string key = normal(moved.reference);
  const std::string repository = key.substr(0, key.rfind(':') + 1);
  for (Made& made : images_) {
    auto& tags = made.image.tags;
    const auto kept = std::stable_partition(tags.begin(), tags.end(), [&](const std::string& t) {
      const std::string own = normal(t);
      if (moved.reference.empty()) return false;
      return moved.all_tags ? !own.starts_with(repository) : own != key;
    });
    made.doubtful.insert(made.doubtful.end(), kept, tags.end());
    tags.erase(kept, tags.end());
  }
}

Images::Place Images::locate(const std::string& name, domain::TimeNs now) const {
  const std::string key = normal(name);
  const auto is_it = [&](const std::string& t) { return normal(t) == key; };
  for (std::size_t i = images_.size(); i-- > 0;) {
    const Made& made = images_[i];
    if (!is_live(made, now)) continue;
    if (std::any_of(made.image.tags.begin(), made.image.tags.end(), is_it)) return {i, true};
    if (std::any_of(made.doubtful.begin(), made.doubtful.end(), is_it)) return {i, false};
  }
  return {by_id(name, now), true};
}

std::size_t Images::by_id(const std::string& name, domain::TimeNs now) const {
  std::string id = bare(name);
  if (const std::size_t digest = name.find("@sha256:"); digest != std::string::npos) {
    id = name.substr(digest + 1 + kAlgorithm.size());
  }
  if (!base::is_hex(id) || id.size() > kFullId) return kNone;
  std::size_t found = kNone;
  for (std::size_t i = images_.size(); i-- > 0;) {
    const std::string ours = bare(images_[i].image.id);
    // Of some images only 12 characters of the id are known.
    if (ours.empty() || !is_live(images_[i], now) ||
        !(ours.starts_with(id) || id.starts_with(ours)))
      continue;
    if (found != kNone && bare(images_[found].image.id) != ours) return kNone;
    if (found == kNone) found = i;
  }
  return found;
}

}  // namespace kilnwatch::tracker
