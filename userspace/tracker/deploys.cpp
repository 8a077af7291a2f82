// Containers that clients make from images built here.
#include <utility>

#include "base/hex_id.h"
#include "base/text.h"
#include "identity/container.h"
#include "tracker/ident.h"
#include "tracker/scopes.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

// How dockerd resolves a reference to a container: id, name, then a prefix of an id that only one
// container has (moby: daemon/container.go, GetContainer).
bool refers(const std::string& reference, const ContainerCreated& created) {
  if (!created.engine_namespace.empty()) return reference == created.container_id;
  return reference == created.container_id || reference == created.name ||
         created.container_id.starts_with(reference);
}

// Where dockerd has containerd run everything, steps of builds, too (moby: daemon/config).
constexpr std::string_view kDockers = "moby";

// By which of its names an image was asked for; one that it has in containerd only is none.
std::vector<std::string> tags_of(const Made& made, const ContainerCreated& created) {
  if (created.engine_namespace.empty()) return {created.image};
  for (const auto* names : {&made.image.tags, &made.doubtful}) {
    for (const auto& tag : *names) {
      if (normalise_image(tag) == normalise_image(created.image)) return {tag};
    }
  }
  return {};
}

// Why the image is not certain.
std::string doubt_of(const Made& made, const std::string& image) {
  const std::string was = made.build ? "built" : "imported";
  if (image.size() < kShortId && base::is_hex(image) &&
      made.image.id.starts_with("sha256:" + image))
    return "the id of an image " + was + " here begins so; an image of this name comes first";
  if (made.image.id.empty())
    return "an image " + was + " here had this name; which one it is was not seen";
  return "an image " + was +
         " here had this name; since then a load, a pull or a BuildKit build may have given the "
         "name to another image";
}

// An image that neither was built here nor came by a load: as it was asked for.
Image asked_image(const ContainerCreated& created) {
  Image image{created.resolved_image, {}, {}};
  if (base::is_digest(created.image))
    image.id = created.image;
  else if (!base::is_hex(created.image) || created.image.size() < kShortId)
    image.tags.push_back(created.image);
  else if (image.id.empty())
    image.id = "sha256:" + created.image;
  return image;
}

}  // namespace

void Tracker::on(const ManifestStored& fact) {
  stores_of(fact.call).learn(fact);
  note_refusals();
}

void Tracker::on(const ImageResolved& fact) {
  stores_of(fact.call).resolve(fact);
  note_refusals();
}

void Tracker::on(ContainerCreated fact) {
  stores_.seen(uid_of(fact.call)).complete(fact);
  const bool own = fact.engine_namespace.empty();
  // What a command says of a container takes none out of a build: one that podman made has a cgroup
  // that says so (identity::of_other_engine), and any process may say that it is podman's.
  const bool asked =
      own || (fact.engine_namespace != kDockers && base::is_hex_id(fact.container_id));
  if (asked && !fact.by_command) by_api_.insert(api_key(uid_of(fact.call), fact.container_id));
  const std::string scope = scope_of(fact);
  note_creation(fact, scope);
  if (!room_for_deploy(fact.time)) return;
  Waiting waiting;
  waiting.created = fact;
  waiting.scope = scope;
  waiting.engine_uid = fact.by_command ? fact.client.value_or(Process{}).uid : uid_of(fact.call);
  waiting.created.name = plain_name(fact.name);
  if (fact.by_command) {
    waiting.client.transport = Transport::kNone;
    waiting.client.process = fact.client;
    if (fact.client) waiting.client.container_id = identity::container_of(fact.client->cgroup);
  } else {
    fill_client(fact.call.conn, waiting.client);  // its connection may be gone by the decision
  }
  if (const auto found = find_image(fact); found.made != nullptr) {
    waiting.made = *found.made;
    waiting.certain = found.certain;
    if (found.other != nullptr) waiting.other = found.other->import;
  }
  if (shares_ && !(waiting.made && waiting.made->build)) {
    const bool known = waiting.made && waiting.certain && !waiting.made->image.id.empty();
    waiting.foreign = known ? waiting.made->image.id : name_elsewhere(fact);
  }
  const std::string key = scope + fact.container_id;
  if (own) {
    lend_mounts(waiting.created, scope);
    api_containers_.created(fact.container_id, scope, waiting.created.name);
    api_containers_.mounted(fact.container_id, waiting.created);
    if (!waiting.created.name.empty()) created_names_[scope + waiting.created.name] = key;
  }
  created_[key] = std::move(waiting);
  if (fact.by_command) {
    const ContainerStarted start{fact.time, fact.call, fact.container_id};
    return settle_deploy(key, &start, fact.time);
  }
  timers_.at(fact.time + kDeployWait, [this, key](TimeNs due) { check_deploy(key, due); });
  meet_early_start(key, fact.time);
}

// Records of two conversations may be told in the wrong order, a little.
void Tracker::meet_early_start(const std::string& key, TimeNs time) {
  const Waiting& waiting = created_.at(key);
  for (auto it = early_starts_.begin(); it != early_starts_.end(); ++it) {
    if (it->start.time + kClientWait < time || it->scope != waiting.scope ||
        !refers(plain_name(it->start.container), waiting.created))
      continue;
    const ContainerStarted start = it->start;
    early_starts_.erase(it);
    return settle_deploy(key, &start, time);
  }
}

void Tracker::on(const ContainerRenamed& fact) {
  const std::string scope = store_of(fact.call), old = plain_name(fact.container);
  const std::string name = plain_name(fact.name);
  if (const auto id = api_containers_.find(scope, old); !id.empty() && !name.empty())
    api_containers_.created(id, scope, name);
  else
    api_containers_.forget_name(scope, name);  // it is another one's now
  const auto it = created_.find(waiting_deploy(scope, old));
  if (it == created_.end()) return;
  forget_name(it);
  it->second.created.name = name;
  if (!name.empty()) created_names_[scope + name] = it->first;
  const std::string id = it->first;  // the entry may go
  meet_early_start(id, fact.time);
}

std::string Tracker::waiting_deploy(const std::string& scope, const std::string& reference) const {
  const std::string key = scope + reference;
  if (created_.contains(key)) return key;
  if (const auto it = created_names_.find(key); it != created_names_.end()) return it->second;
  if (reference.empty()) return {};
  const auto first = created_.lower_bound(key);
  if (first == created_.end() || !first->first.starts_with(key) ||
      !first->second.created.engine_namespace.empty())  // there ids have no short form
    return {};
  const auto second = std::next(first);
  const bool several = second != created_.end() && second->first.starts_with(key);
  return several ? std::string() : first->first;
}

// A build said that this container is its own.
bool Tracker::announced(const std::string& id) {
  if (const Container* container = containers_.find(id);
      container != nullptr && !container->claims.empty())
    return true;
  for (const auto& [call, run] : runs_) {
    for (const Announced& one : run.announced) {
      if (id.starts_with(one.short_id)) return true;
    }
  }
  return false;
}

void Tracker::on(const ContainerStartAsked& fact) {
  const auto it = created_.find(waiting_deploy(scope_of(fact), plain_name(fact.container)));
  if (it != created_.end() && it->second.asked == 0) it->second.asked = fact.time;
}

// The engine is at it: its answer decides.
void Tracker::check_deploy(const std::string& id, TimeNs due) {
  const auto it = created_.find(id);
  if (it == created_.end()) return;
  const TimeNs over = it->second.asked != 0 ? it->second.asked + kStartWait : due;
  if (over <= due) return settle_deploy(id, nullptr, due);
  // Now: its connection may be forgotten by then.
  fill_client(it->second.created.call.conn, it->second.client);
  timers_.at(over, [this, id](TimeNs at) { settle_deploy(id, nullptr, at); });
}

// The kernel saw its first process, by whatever words it was started.
TimeNs Tracker::ran_since(const Waiting& waiting) {
  if (waiting.ran != 0) return waiting.ran;
  const Container* container = containers_.find(waiting.created.container_id);
  return container != nullptr && container->init_pid != 0 ? container->first_seen : 0;
}

// It may be over before its deployment is decided. One that was told as not started is told once
// more: the engine's answer says more, if it comes.
void Tracker::note_start(const Container& container, TimeNs time) {
  for (auto& [key, waiting] : created_) {
    if (waiting.created.container_id != container.id) continue;
    if (waiting.ran == 0) waiting.ran = time;
    if (!waiting.told) continue;
    timers_.at(time + kStartAnswer,
               [this, key = key](TimeNs due) { settle_deploy(key, nullptr, due); });
  }
}

void Tracker::on(const ContainerStarted& fact) {
  const std::string reference = plain_name(fact.container);
  const std::string scope = scope_of(fact);
  const std::string id = waiting_deploy(scope, reference);
  if (!id.empty()) return settle_deploy(id, &fact, fact.time);
  if (by_api_.contains(api_key(uid_of(fact.call), reference))) return;  // decided before
  // Whoever made it: a step's container can be started by a client, too, so that says little. A
  // name tells no id; see blind_egress.
  if (fact.engine_namespace.empty() && reference.size() == 64 && !announced(reference))
    by_start_.insert(api_key(uid_of(fact.call), reference));
  const auto drop_oldest = [this](TimeNs time) {
    const EarlyStart early = std::move(early_starts_.front());
    early_starts_.pop_front();
    miss_creation(early, time);
  };
  if (early_starts_.size() >= kMaxEarlyStarts) drop_oldest(fact.time);
  early_starts_.push_back({fact, scope, uid_of(fact.call)});
  timers_.at(fact.time + kStartAnswer, [this, drop_oldest](TimeNs due) {
    while (!early_starts_.empty() && early_starts_.front().start.time + kStartAnswer <= due)
      drop_oldest(due);
  });
}

void Tracker::on(const ImageTagged& fact) {
  images_of(fact.call).tag(fact.source, fact.tag, fact.time, store_of(fact.call));
  note_refusals();
}

// Those that were told and have not started go first: their alert is out.
bool Tracker::room_for_deploy(TimeNs time) {
  if (created_.size() < kMaxWaitingDeploys) return true;
  lose("deployments", 1, time);
  while (!told_created_.empty()) {
    const auto it = created_.find(told_created_.front());
    told_created_.pop_front();
    if (it == created_.end()) continue;
    forget_deploy(it);
    return true;
  }
  return false;
}

void Tracker::forget_name(std::map<std::string, Waiting>::iterator it) {
  if (const auto name = created_names_.find(it->second.scope + it->second.created.name);
      name != created_names_.end() && name->second == it->first) {
    created_names_.erase(name);
  }
}

void Tracker::forget_deploy(std::map<std::string, Waiting>::iterator it) {
  forget_name(it);
  created_.erase(it);
}

// What a created container runs.
void Tracker::tell_image(const Waiting& waiting, Moment& moment) {
  const Made& made = *waiting.made;
  if (waiting.certain) {
    moment.build = made.build;
    moment.import = made.import;
    moment.image = made.image;
    moment.reasons.insert(moment.reasons.end(), made.reasons.begin(), made.reasons.end());
    return;
  }
  moment.uncertain = true;
  moment.image = Image{{}, tags_of(made, waiting.created), {}};
  moment.reasons.push_back({"image-uncertain", doubt_of(made, waiting.created.image)});
  if (made.build) {
    moment.other_builds.push_back(made.build->id);
    const std::string which =
        made.image.id.empty() ? "an image of this name" : "image " + made.image.id;
    moment.reasons.push_back({"candidate", "build " + made.build->id + " made " + which});
  }
  for (const auto& import : {made.import, waiting.other}) {
    if (!import) continue;
    moment.reasons.push_back(
        {"candidate", "import " + import->id + " brought an image of this name"});
  }
}

// dockerd has containerd run what it was asked for: of a dockerd that is not known as one (its
// containerd's other client) that is told by its own conversation.
bool Tracker::is_told_by_dockerd(const Waiting& waiting) const {
  const ContainerCreated& created = waiting.created;
  return created.engine_namespace == kDockers &&
         by_api_.contains(api_key(waiting.engine_uid, created.container_id));
}

void Tracker::settle_deploy(const std::string& id, const ContainerStarted* start, TimeNs time) {
  const auto it = created_.find(id);
  if (it == created_.end()) return;
  const TimeNs ran = ran_since(it->second);
  const bool started = start != nullptr || ran != 0;
  if (!started && it->second.told) return;
  const Waiting waiting = it->second;
  const bool twice = is_told_by_dockerd(waiting);
  const bool foreign = !twice && !waiting.foreign.empty();
  const bool tells = waiting.made || foreign || (!twice && has_of_host(waiting.created));
  if (started || !tells) {
    forget_deploy(it);
  } else {
    it->second.told = true;
    told_created_.push_back(id);
    timers_.at(waiting.created.time + deploy_window_, [this, id](TimeNs) {
      std::erase(told_created_, id);
      if (const auto old = created_.find(id); old != created_.end()) forget_deploy(old);
    });
  }
  if (!tells) return;
  if (waiting.made || foreign) tell_executions({});
  Moment moment;
  moment.kind = waiting.made || foreign ? MomentKind::kImageDeploy : MomentKind::kContainerPowers;
  moment.time = time;
  moment.call = waiting.created.call;
  moment.key = waiting.created.engine_namespace.empty() ? waiting.created.container_id : id;
  if (waiting.told) moment.key += "/started";
  if (waiting.told) {
    moment.reasons.push_back({"told-as-created",
                              "an alert before this one told that the container "
                              "was created and had not started"});
  }
  if (started && start == nullptr) {
    const std::string unheard =
        waiting.asked != 0 ? "the answer to whoever asked for that" : "who asked for that";
    moment.reasons.push_back(
        {"start-unheard", "the kernel saw it start; " + unheard +
                              " was not heard: the client is the one that had it created"});
  }
  if (foreign) moment.foreign = waiting.foreign;
  if (waiting.made)
    tell_image(waiting, moment);
  else
    moment.image = asked_image(waiting.created);
  Deployment deployment;
  deployment.time = waiting.created.time;
  if (start != nullptr) {
    deployment.time = start->time;
  } else if (started) {
    deployment.time = ran;
  }
  deployment.started = started;
  deployment.container = waiting.created;
  deployment.engine_container_id = waiting.created.by_command ? waiting.client.container_id : home_;
  deployment.engine_uid = waiting.engine_uid;
  if (start == nullptr || waiting.created.by_command) deployment.client = waiting.client;
  fill_client(start != nullptr ? start->call.conn : waiting.created.call.conn, deployment.client);
  moment.deployment = std::move(deployment);
  tell(std::move(moment));
}

}  // namespace kilnwatch::tracker
