#include "tracker/images.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/host_name.h"
#include "base/text.h"

namespace kilnwatch::tracker {
namespace {

constexpr std::string_view kAlgorithm = "sha256:";
constexpr std::size_t kFullId = 64;
constexpr std::size_t kMaxPushes = 8;  // told of one image

std::string_view bare(std::string_view id) {
  if (id.starts_with(kAlgorithm)) id.remove_prefix(kAlgorithm.size());
  return id;
}

}  // namespace

std::string normalise_image(const std::string& name) {
  if (name.starts_with(kAlgorithm)) return name;
  std::string out = name;
  const std::size_t slash = out.find('/');
  const std::string host = slash == std::string::npos ? "" : out.substr(0, slash);
  if (slash == std::string::npos) {
    out = "docker.io/library/" + out;
  } else if (!base::is_registry_host(host)) {
    out = "docker.io/" + out;
  }
  const std::size_t last = out.rfind('/');
  if (out.find_first_of(":@", last) == std::string::npos) out += ":latest";
  return out;
}

std::string repository_of(const std::string& image) {
  std::string name = normalise_image(image);
  if (name.starts_with(kAlgorithm)) return name;
  name = name.substr(0, name.find('@'));
  return name.substr(0, name.find(':', name.rfind('/')));
}

bool has_image(const std::vector<std::string>& names, const std::string& name) {
  const std::string wanted = normalise_image(name);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& one) { return normalise_image(one) == wanted; });
}

// Where images of both kinds have the same short name the last one that was given it counts.
std::string Images::normal(const std::string& name) const {
  constexpr std::string_view kLocal = "localhost/";
  const bool local = names_ == Names::kPodman && name.starts_with(kLocal);
  return normalise_image(local ? name.substr(kLocal.size()) : name);
}

void Images::release(const std::string& normal_tag, const std::string& store) {
  const auto is_it = [&](const std::string& t) { return normal(t) == normal_tag; };
  for (Made& made : images_) {
    if (made.store != store) continue;
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

// Whoever imports many images pushes out no built one.
void Images::make_room(domain::TimeNs now) {
  if (images_.size() < kMaxImages) return;
  auto oldest =
      std::find_if(images_.begin(), images_.end(), [](const Made& m) { return !m.build; });
  if (oldest == images_.end()) oldest = images_.begin();
  if (is_live(*oldest, now)) ++forgotten_;
  images_.erase(oldest);
}

void Images::add(Made made) {
  make_room(made.time);
  for (const std::string& t : made.image.tags) release(normal(t), made.store);
  images_.push_back(std::move(made));
}

void Images::tag(const std::string& source, const std::string& tag, domain::TimeNs now,
                 const std::string& store) {
  const Place at = locate(source, now, store);
  release(normal(tag), store);
  if (at.index != kNone) name({in_store(at.index, store, now), at.certain}, tag);
}

// One that another store has is in this one from now on, too.
std::size_t Images::in_store(std::size_t at, const std::string& store, domain::TimeNs now) {
  if (images_[at].store == store) return at;
  Made here = images_[at];
  here.store = store;
  here.image.tags.clear();
  here.doubtful.clear();
  make_room(now);
  images_.push_back(std::move(here));
  return images_.size() - 1;
}

std::size_t Images::moved_image(const domain::ImageMoved& moved, const std::string& store) {
  for (const std::string* within : {&store, static_cast<const std::string*>(nullptr)}) {
    for (const std::string& id : {moved.image, moved.digest}) {
      const std::size_t at = id.empty() ? kNone : by_id(id, moved.time, within);
      if (at != kNone) return in_store(at, store, moved.time);
    }
  }
  return kNone;
}

void Images::move(const domain::ImageMoved& moved, const std::string& store,
                  const std::optional<domain::Import>& import,
                  const std::vector<domain::Reason>& reasons) {
  if (!moved.certain) {
    doubt(moved, store);
  } else if (!moved.reference.empty()) {
    release(normal(moved.reference), store);
  }
  const std::size_t at = moved_image(moved, store);
  if (at == kNone) {
    if (import) take_in(moved, *import, store, reasons);
    return;
  }
  Made& made = images_[at];
  if (made.image.digest.empty()) made.image.digest = moved.digest;
  if (import && !made.build) {  // it came again
    made.import = import;
    made.time = moved.time;
  }
  if (moved.certain && !moved.reference.empty()) name({at}, moved.reference);
}

// One that was not built here. Where its id is not told it is known by its name alone.
void Images::take_in(const domain::ImageMoved& moved, const domain::Import& import,
                     const std::string& store, const std::vector<domain::Reason>& reasons) {
  Made made{moved.time, {}, {moved.image, {}, moved.digest}, {}, reasons, import, store};
  if (!moved.reference.empty()) {
    const Place before = locate(moved.reference, moved.time, store);
    if (!before.certain && before.index != kNone && images_[before.index].build) {
      made.doubtful.push_back(moved.reference);
    } else {
      release(normal(moved.reference), store);
      made.image.tags.push_back(moved.reference);
    }
  }
  make_room(moved.time);
  images_.push_back(std::move(made));
}

void Images::pushed(const domain::ImagePushed& pushed, const std::string& store) {
  const Place at = locate(pushed.reference, pushed.time, store);
  if (at.index == kNone || !at.certain) return;
  Made& made = images_[at.index];
  made.image.digest = pushed.digest;
  const auto pushes = std::count_if(made.reasons.begin(), made.reasons.end(),
                                    [](const auto& r) { return r.code == "image-pushed"; });
  if (static_cast<std::size_t>(pushes) >= kMaxPushes) return;
  made.reasons.push_back({"image-pushed", "the image was pushed as " + pushed.reference});
}

void Images::doubt(const domain::ImageMoved& moved, const std::string& store) {
  const std::string key = normal(moved.reference);
  const std::string repository = key.substr(0, key.rfind(':') + 1);
  for (Made& made : images_) {
    if (made.store != store) continue;
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

Images::Found Images::find(const std::string& name, domain::TimeNs now,
                           const std::string& store) const {
  const Place at = locate(name, now, store);
  if (at.index == kNone) return {};
  return {&images_[at.index], at.certain, at.other == kNone ? nullptr : &images_[at.other]};
}

// A name in doubt may have several.
Images::Place Images::locate(const std::string& name, domain::TimeNs now,
                             const std::string& store) const {
  const std::string key = normal(name);
  const auto is_it = [&](const std::string& t) { return normal(t) == key; };
  Place doubtful{kNone, false};
  for (std::size_t i = images_.size(); i-- > 0;) {
    const Made& made = images_[i];
    if (!is_live(made, now) || made.store != store) continue;
    if (std::any_of(made.image.tags.begin(), made.image.tags.end(), is_it)) return {i, true};
    if (!std::any_of(made.doubtful.begin(), made.doubtful.end(), is_it)) continue;
    if (doubtful.index == kNone) {
      doubtful.index = i;
    } else if (made.build && !images_[doubtful.index].build) {
      doubtful.other = std::exchange(doubtful.index, i);
    }
  }
  if (doubtful.index != kNone) return doubtful;
  const std::size_t at = by_id(name, now, nullptr);
  return {at, at == kNone || bare(name).size() >= kShortId};
}

// Of several that have this id one that was built here, else the newest.
std::size_t Images::by_id(const std::string& name, domain::TimeNs now,
                          const std::string* store) const {
  std::string_view id = bare(name);
  if (const std::size_t digest = name.find("@sha256:"); digest != std::string::npos) {
    id = std::string_view(name).substr(digest + 1 + kAlgorithm.size());
  }
  if (!base::is_hex(id) || id.size() > kFullId) return kNone;
  std::size_t found = kNone;
  for (std::size_t i = images_.size(); i-- > 0;) {
    const std::string_view ours = bare(images_[i].image.id);
    if (!is_live(images_[i], now) || (store != nullptr && images_[i].store != *store)) continue;
    if (id.size() == kFullId && bare(images_[i].image.digest) == id) return i;
    // Of some images only 12 characters of the id are known.
    if (ours.empty() || !(ours.starts_with(id) || id.starts_with(ours))) continue;
    if (found != kNone && bare(images_[found].image.id) != ours) return kNone;
    if (found == kNone || (images_[i].build && !images_[found].build)) found = i;
  }
  return found;
}

}  // namespace kilnwatch::tracker
