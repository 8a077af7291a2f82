// Images that come by load, import or commit, and those that leave by push.
#include <iterator>
#include <utility>

#include "tracker/ident.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

bool is_import(const ImageMoved& moved) {
  const bool road = moved.arrival == Arrival::kLoad || moved.arrival == Arrival::kImport ||
                    moved.arrival == Arrival::kCommit;
  return road && !moved.perhaps && !(moved.reference.empty() && moved.image.empty());
}

}  // namespace

void Tracker::on(const ImageMoved& fact) {
  const bool contained = !fact.engine_namespace.empty();
  if (contained) stores_of(fact.call).move(fact);
  if (!is_import(fact)) {
    if (!contained && !take_export(fact, {})) images_of(fact.call).move(fact, store_of(fact.call));
    return note_refusals();
  }
  // An image of several names comes once.
  const std::string key = fact.image.empty() ? fact.reference : fact.image;
  const std::string name =
      std::to_string(fact.call.conn) + "/" + std::to_string(fact.call.number) + "/import/" + key;
  Import import{short_hash(boot_id_ + "/" + name), fact.time, fact.arrival, {}, fact.request, {}};
  fill_client(fact.call.conn, import.client);
  import.container_id = committed(fact);
  import.engine_container_id = home_;
  const std::string built = built_here(fact);
  std::vector<Reason> likely;  // of the name alone
  if (const Made* made = fact.image.empty() && fact.digest.empty() && built.empty()
                             ? exported_as(fact.reference, fact.time)
                             : nullptr)
    likely.push_back({"candidate", "build " + made->build->id + " made image " + made->image.id +
                                       " to be called so; whether it is this one is not told"});
  if (!contained && !take_export(fact, import))
    images_of(fact.call).move(fact, store_of(fact.call), import, likely);
  note_refusals();
  if (imported_.contains(name)) return;
  imported_.insert(name);
  Moment moment;
  moment.kind = MomentKind::kImageImport;
  moment.time = fact.time;
  moment.call = fact.call;
  moment.key = key;
  moment.image = Image{fact.image, {}, fact.digest};
  if (!fact.reference.empty()) moment.image->tags.push_back(fact.reference);
  std::move(likely.begin(), likely.end(), std::back_inserter(moment.reasons));
  if (!built.empty()) {
    moment.reasons.push_back({"built-here", "the same image was made here by build " + built});
  }
  moment.reached = api_containers_.reached(import.container_id);
  if (const auto more = api_containers_.refused(import.container_id); more > 0) {
    moment.reasons.push_back(
        {"connections-not-kept",
         "its container connected to " + std::to_string(more) + " more destinations"});
  }
  moment.import = std::move(import);
  tell(std::move(moment));
}

// The build that made the same image; empty: none that is known.
std::string Tracker::built_here(const ImageMoved& fact) {
  auto ids = stores_.seen(uid_of(fact.call)).configs_of(fact.digest);
  if (!fact.image.empty()) ids.push_back(fact.image);
  if (const Made* made = export_of(fact)) return made->build->id;
  for (const std::string& id : ids) {
    const Made* made = images_of(fact.call).find_id(id, fact.time);
    if (made != nullptr && made->build) return made->build->id;
  }
  return {};
}

// The container of a commit.
std::string Tracker::committed(const ImageMoved& fact) {
  const std::string& reference = fact.request.container;
  const std::string known = api_containers_.find(store_of(fact.call), reference);
  if (!known.empty() || reference.empty()) return known;
  const auto seen = containers_.with_prefix(reference);
  return seen.size() == 1 ? seen.front()->id : std::string();
}

void Tracker::on(const ImagePushed& fact) {
  images_of(fact.call).pushed(fact, store_of(fact.call));
  tell_pushed(fact);
}

}  // namespace kilnwatch::tracker
