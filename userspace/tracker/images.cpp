#include "tracker/images.h"

#include <string_view>
#include <utility>

namespace kilnwatch::tracker {
namespace {

constexpr std::string_view kAlgorithm = "sha256:";
constexpr std::size_t kFullId = 64;

bool is_hex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string bare(const std::string& id) {
  return id.starts_with(kAlgorithm) ? id.substr(kAlgorithm.size()) : id;
}

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

void Images::release(const std::string& normal_tag) {
  for (Made& made : images_) {
    std::erase_if(made.image.tags,
                  [&](const std::string& t) { return normalise_image(t) == normal_tag; });
  }
}

void Images::add(Made made) {
  if (images_.size() >= kMaxImages) images_.pop_front();
  for (const std::string& t : made.image.tags) release(normalise_image(t));
  images_.push_back(std::move(made));
}

void Images::tag(const std::string& source, const std::string& tag, domain::TimeNs now) {
  const std::size_t at = locate(source, now);
  release(normalise_image(tag));
  if (at != kNone) images_[at].image.tags.push_back(tag);
}

std::size_t Images::locate(const std::string& name, domain::TimeNs now) const {
  const auto live = [&](const Made& made) { return made.time + kDeployWindow >= now; };
  const std::string normal = normalise_image(name);
  for (std::size_t i = images_.size(); i-- > 0;) {
    if (!live(images_[i])) continue;
    for (const std::string& t : images_[i].image.tags) {
      if (normalise_image(t) == normal) return i;
    }
  }
  std::string id = bare(name);
  if (const std::size_t digest = name.find("@sha256:"); digest != std::string::npos) {
    id = name.substr(digest + 1 + kAlgorithm.size());
  }
  if (!is_hex(id) || id.size() > kFullId) return kNone;
  std::size_t found = kNone;
  for (std::size_t i = images_.size(); i-- > 0;) {
    const std::string ours = bare(images_[i].image.id);
    // Of some images only 12 characters of the id are known.
    if (ours.empty() || !live(images_[i]) || !(ours.starts_with(id) || id.starts_with(ours)))
      continue;
    if (found != kNone && bare(images_[found].image.id) != ours) return kNone;
    if (found == kNone) found = i;
  }
  return found;
}

}  // namespace kilnwatch::tracker
