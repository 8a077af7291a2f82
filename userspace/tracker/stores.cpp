#include "tracker/stores.h"

#include <algorithm>

#include "base/text.h"
#include "tracker/images.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

constexpr std::uint32_t kOtherUsers = 0xffffffff;  // all of whom there are too many
// Of CRI.
constexpr std::string_view kKubernetes = "k8s.io";

}  // namespace

void Stores::forget_oldest_manifest() {
  ++refused_;
  const auto at = manifests_.find(manifest_order_.front());
  manifest_order_.pop_front();
  auto held = at->second.manifests;
  held.push_back(at->second.config);
  for (const auto& digest : held) {
    const auto parents = parents_.find(digest);
    if (parents == parents_.end()) continue;
    parents->second.erase(at->first);
    if (parents->second.empty()) parents_.erase(parents);
  }
  manifests_.erase(at);
}

void Stores::close() {
  closed_ = true;
  note_doubt(kAnyNamespace, 0);
}

void Stores::add(const PodStarted& started) {
  if (closed_) return void(++refused_);
  pods_.add(started);
}

void Stores::learn(const ManifestStored& stored) {
  if (closed_) return void(++refused_);
  if (!manifests_.emplace(stored.digest, stored).second) return;
  manifest_order_.push_back(stored.digest);
  if (!stored.config.empty()) parents_[stored.config].insert(stored.digest);
  for (const auto& manifest : stored.manifests) parents_[manifest].insert(stored.digest);
  if (manifests_.size() > kMaxManifests) forget_oldest_manifest();
}

void Stores::note_doubt(const std::string& space, TimeNs time) {
  const bool room = doubted_.size() < kMaxDoubted || doubted_.contains(space);
  auto& since = doubted_[room ? space : std::string(kAnyNamespace)];
  since = std::max(since, time);
}

void Stores::doubt(const std::string& space, TimeNs time) {
  for (auto& [name, named] : names_) {
    if (space != kAnyNamespace && name.first != space) continue;
    named.certain = false;
    named.changed = std::max(named.changed, time);
  }
  note_doubt(space, time);
}

void Stores::move(const ImageMoved& moved) {
  const auto& space = moved.engine_namespace;
  if (closed_) return void(++refused_);
  if (moved.reference.empty()) {
    if (!moved.certain) doubt(space, moved.time);
    return;
  }
  // CRI completes what it is asked to pull; a client that pulls by itself has done so.
  const Name name{
      space, moved.arrival == Arrival::kPull ? normalise_image(moved.reference) : moved.reference};
  const auto& digest = moved.digest.empty() ? moved.image : moved.digest;
  // One that was deleted stays, as a name of nothing.
  set(name, {digest, moved.certain, false, moved.digest.empty(), moved.time});
}

// What an answer says was so when it was asked for: it may be older than what was told before it.
void Stores::resolve(const ImageResolved& resolved) {
  if (closed_) return void(++refused_);
  const Name name{resolved.engine_namespace, resolved.reference};
  const auto at = names_.find(name);
  const bool known = at != names_.end();
  const TimeNs changed = known ? at->second.changed : doubted_at(name.first);
  // What moved it was seen, and may say more than a digest that was never met.
  if (known && at->second.certain && !at->second.resolved && is_known(at->second)) return;
  if (changed != 0 && resolved.asked <= changed) return;
  set(name, {resolved.digest, true, true, false, changed});
}

void Stores::set(const Name& name, Named named) {
  const auto [at, fresh] = names_.insert_or_assign(name, named);
  if (!fresh) return;
  name_order_.push_back(name);
  if (name_order_.size() <= kMaxStoreNames) return;
  ++refused_;
  // What it meant is not known any more.
  const auto oldest = names_.find(name_order_.front());
  note_doubt(oldest->first.first, oldest->second.changed);
  names_.erase(oldest);
  name_order_.pop_front();
}

std::vector<std::string> Stores::configs_of(const std::string& digest) const {
  std::vector<std::string> open{digest}, found;
  for (std::size_t i = 0; i < open.size() && i < kMaxAliases; ++i) {
    const auto at = manifests_.find(open[i]);
    if (at == manifests_.end()) continue;
    if (!at->second.config.empty()) found.push_back(at->second.config);
    for (const auto& manifest : at->second.manifests) {
      if (std::find(open.begin(), open.end(), manifest) == open.end()) open.push_back(manifest);
    }
  }
  return found;
}

// Itself, what it holds, and what holds any of these.
std::vector<std::string> Stores::aliases(const std::string& digest) const {
  std::vector<std::string> all{digest};
  const auto add = [&all](const std::string& one) {
    if (all.size() < kMaxAliases && std::find(all.begin(), all.end(), one) == all.end())
      all.push_back(one);
  };
  if (const auto at = manifests_.find(digest); at != manifests_.end()) {
    for (const auto& manifest : at->second.manifests) add(manifest);
  }
  for (const auto& config : configs_of(digest)) add(config);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto parents = parents_.find(all[i]);
    if (parents == parents_.end()) continue;
    for (const auto& parent : std::set<std::string>(parents->second)) add(parent);
  }
  return all;
}

bool Stores::doubted(const std::string& space) const {
  return doubted_.contains(space) || doubted_.contains(kAnyNamespace);
}

TimeNs Stores::doubted_at(const std::string& space) const {
  TimeNs last = 0;
  for (const auto& key : {space, std::string(kAnyNamespace)}) {
    if (const auto at = doubted_.find(key); at != doubted_.end()) last = std::max(last, at->second);
  }
  return last;
}

// A digest tells which image it is once what it stands for was seen. Of an index, a client writes
// the platforms that its store has; which of them one reads is its own choice.
bool Stores::is_known(const Named& named) const {
  if (named.digest.empty() || named.is_image) return named.is_image;
  return named.resolved ? wholly_known(named.digest) : !configs_of(named.digest).empty();
}

// Down to the configurations, of every platform.
bool Stores::wholly_known(const std::string& digest) const {
  std::vector<std::string> open{digest};
  for (std::size_t i = 0; i < open.size(); ++i) {
    const auto at = manifests_.find(open[i]);
    if (at == manifests_.end() || !at->second.whole || open.size() > kMaxAliases) return false;
    for (const auto& manifest : at->second.manifests) {
      if (std::find(open.begin(), open.end(), manifest) == open.end()) open.push_back(manifest);
    }
  }
  return true;
}

// containerd knows a name as it stands; Kubernetes completes it before (reference.ParseDockerRef).
Stores::Meaning Stores::named(const std::string& space, const std::string& reference) const {
  for (const auto& name : {reference, normalise_image(reference)}) {
    const auto at = names_.find({space, name});
    if (at == names_.end() || (name != reference && space != kKubernetes)) continue;
    const Named& found = at->second;
    if (found.digest.empty()) return {{}, found.certain};
    return {aliases(found.digest), found.certain && is_known(found)};
  }
  // An id, or the beginning of one, as CRI takes it.
  if (base::is_hex(reference))
    return {aliases("sha256:" + reference), reference.size() >= kShortId};
  return {{}, !doubted(space)};
}

Stores::Meaning Stores::find(const ContainerCreated& created) const {
  constexpr std::string_view kAt = "@sha256:";
  for (const auto& reference : {created.image_id, created.image}) {
    if (base::is_digest(reference)) return {aliases(reference), true};
    if (const auto at = reference.find(kAt); at != std::string::npos)
      return {aliases(reference.substr(at + 1)), true};
  }
  return named(created.engine_namespace,
               created.image_id.empty() ? created.image : created.image_id);
}

Stores& UserStores::of(std::uint32_t uid) {
  const bool room = stores_.size() < kMaxStoreUsers || uid == 0 || stores_.contains(uid);
  Stores& stores = stores_.try_emplace(room ? uid : kOtherUsers, fresh_).first->second;
  // Names of one of them would be taken for another one's.
  if (!room) stores.close();
  return stores;
}

const Stores& UserStores::seen(std::uint32_t uid) const {
  for (const auto user : {uid, kOtherUsers}) {
    if (const auto at = stores_.find(user); at != stores_.end()) return at->second;
  }
  return fresh_;
}

void UserStores::doubt(TimeNs time) {
  fresh_.doubt(kAnyNamespace, time);
  for (auto& [uid, stores] : stores_) stores.doubt(kAnyNamespace, time);
}

UserStores UserStores::unfilled() const {
  UserStores out;
  out.fresh_ = fresh_;
  return out;
}

std::uint64_t UserStores::refused() const {
  std::uint64_t sum = 0;
  for (const auto& [uid, stores] : stores_) sum += stores.refused();
  return sum;
}

void Pods::add(const PodStarted& started) {
  if (!pods_.insert_or_assign(started.sandbox, started).second) return;
  order_.push_back(started.sandbox);
  if (order_.size() <= kMaxPods) return;
  pods_.erase(order_.front());
  order_.pop_front();
}

void Pods::complete(ContainerCreated& created) const {
  const auto at = pods_.find(created.sandbox);
  if (at == pods_.end()) return;
  // The sandbox is what counts: what a container's request says of it is a client's word.
  created.pod = at->second.pod;
  for (const auto& space : at->second.host_namespaces) {
    auto& own = created.host_namespaces;
    if (std::find(own.begin(), own.end(), space) == own.end()) own.push_back(space);
  }
}

}  // namespace kilnwatch::tracker
