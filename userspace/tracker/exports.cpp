// Images that buildkitd makes. It keeps none under a name that a container could be made of: they
// go to a client, or to a registry, and come into a store by a load or a pull. There they are known
// by their digests, which hold their content. A name says nothing: each store has its own.
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

// Whose word it is that the build made the image.
std::vector<Reason> reasons_of(const Made& made) {
  auto reasons = made.reasons;
  if (const auto& home = made.build->container_id; !home.empty())
    reasons.push_back(
        {"nested-engine", "the engine that built the image runs in container " + home});
  return reasons;
}

}  // namespace

// Of two ids the first is of the configuration, by which docker knows an image; the other one is of
// the manifest, or an index of several.
void Tracker::remember_export(const Run& run, TimeNs time) {
  if (run.aux_ids.empty()) return;
  Image image;
  image.id = run.aux_ids.front();
  image.tags = run.build.request.midway ? run.tag_lines : run.build.request.tags;
  if (run.aux_ids.size() > 1) image.digest = run.aux_ids.back();
  Made made{time, run.build, std::move(image), {}, vertex_reasons(run)};
  tell_built(made, run.build.request.call, time);
  exports_.add(std::move(made));
}

// By its digest; null: none of this engine's, nor of those in its containers.
const Made* Tracker::exported(const std::string& id, TimeNs now) const {
  if (id.empty()) return nullptr;
  if (const Made* made = exports_.find_id(id, now)) return made;
  for (const auto& [home, inner] : inner_) {
    if (const Made* made = inner->exported(id, now)) return made;
  }
  return nullptr;
}

// By the name that its client asked for.
const Made* Tracker::exported_as(const std::string& name, TimeNs now) const {
  if (name.empty()) return nullptr;
  if (const Made* made = exports_.find(name, now, {}).made) return made;
  for (const auto& [home, inner] : inner_) {
    if (const Made* made = inner->exported_as(name, now)) return made;
  }
  return nullptr;
}

const Made* Tracker::export_of(const ImageMoved& fact) const {
  if (fact.perhaps) return nullptr;
  if (const Made* made = exported(fact.image, fact.time)) return made;
  if (const Made* made = exported(fact.digest, fact.time)) return made;
  for (const std::string& config : stores_.seen(uid_of(fact.call)).configs_of(fact.digest)) {
    if (const Made* made = exported(config, fact.time)) return made;
  }
  return nullptr;
}

// A store takes it in: there it has the names that this store gives it. False: it is no such image,
// or that store has it.
bool Tracker::take_export(const ImageMoved& fact, const std::optional<Import>& import) {
  const Made* made = export_of(fact);
  Images& images = images_of(fact.call);
  const std::string store = store_of(fact.call);
  if (made == nullptr || !fact.certain) return false;
  for (const std::string& id : {made->image.id, made->image.digest}) {
    if (!id.empty() && images.find_id(id, fact.time, &store) != nullptr) return false;
  }
  Made taken = *made;
  taken.time = fact.time;
  taken.import = import;
  taken.reasons = reasons_of(*made);
  taken.image.tags.clear();
  if (!fact.reference.empty()) taken.image.tags.push_back(fact.reference);
  taken.store = store;
  images.add(std::move(taken));
  return true;
}

}  // namespace kilnwatch::tracker
