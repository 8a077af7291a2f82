// What hosts tell each other of images: the moments of it.
#include "base/text.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

void Tracker::share_images() {
  shares_ = true;
  for (auto& [home, inner] : inner_) inner->share_images();
}

// Its names are of a store here, and say nothing to others.
void Tracker::tell_built(const Made& made, const CallId& call, TimeNs time) {
  if (!shares_ || !made.build) return;
  Moment moment;
  moment.kind = MomentKind::kImageBuilt;
  moment.time = time;
  moment.call = call;
  moment.build = made.build;
  moment.image = Image{made.image.id, {}, made.image.digest};
  tell(std::move(moment));
}

// A registry knows it by that name and that digest.
void Tracker::tell_pushed(const ImagePushed& fact) {
  if (!shares_) return;
  const auto found = images_of(fact.call).find(fact.reference, fact.time, store_of(fact.call));
  if (found.made == nullptr || !found.certain || !found.made->build) return;
  Moment moment;
  moment.kind = MomentKind::kImageBuilt;
  moment.time = fact.time;
  moment.call = fact.call;
  moment.build = found.made->build;
  moment.image = Image{found.made->image.id, {normalise_image(fact.reference)}, fact.digest};
  tell(std::move(moment));
}

// As sure as it can be: what the engine took, a digest, and only then a name.
std::string Tracker::name_elsewhere(const ContainerCreated& fact) {
  if (base::is_digest(fact.resolved_image)) return fact.resolved_image;
  if (!fact.engine_namespace.empty()) {
    const auto meaning = stores_of(fact.call).find(fact);
    if (meaning.certain && !meaning.ids.empty()) return meaning.ids.front();
  }
  const std::string digest = fact.image.substr(fact.image.rfind('@') + 1);  // npos + 1: all of it
  if (base::is_digest(digest)) return digest;
  if (base::is_hex(fact.image))
    return fact.image.size() == 64 ? "sha256:" + fact.image : std::string();
  return fact.image.empty() ? std::string() : normalise_image(fact.image);
}

}  // namespace kilnwatch::tracker
