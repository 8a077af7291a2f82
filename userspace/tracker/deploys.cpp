// Containers that clients make from images built here.
#include <utility>

#include "base/text.h"
#include "identity/container.h"
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

std::string plain(const std::string& name) { return name.starts_with("/") ? name.substr(1) : name; }

// In containerd's namespaces ids are what clients call their containers: each has its own. No id
// of docker's begins so.
std::string key_of(const std::string& space, const std::string& id) {
  return space.empty() ? id : "/" + space + "/" + id;
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

bool is_kernel_id(const std::string& id) { return id.size() == 64 && base::is_hex(id); }

}  // namespace

// Each engine has a store of its own; what goes from one to the other keeps its id.
Images& Tracker::images_of(const CallId& call, bool by_command) {
  if (by_command) return podman_images_;
  const auto conn = conns_.find(call.conn);
  const bool podman = conn != conns_.end() && conn->second.opened.engine == EngineKind::kPodman;
  return podman ? podman_images_ : images_;
}

// What a name means in a namespace of containerd.
Images::Found Tracker::stored_image(const ContainerCreated& fact) const {
  const auto meaning = stores_.find(fact);
  for (const auto& id : meaning.ids) {
    for (const Images* images : {&images_, &podman_images_}) {
      if (const auto found = images->find(id, fact.time); found.made != nullptr)
        return {found.made, meaning.certain};
    }
    if (const Made* made = exported(id, fact.time)) return {made, meaning.certain};
  }
  if (meaning.certain) return {};
  return {images_.find(fact.image, fact.time).made, false};
}

// By what the engine took for it, where that is known: its name may mean another image here.
Images::Found Tracker::find_image(const ContainerCreated& fact) {
  if (!fact.engine_namespace.empty()) return stored_image(fact);
  const Images& own = images_of(fact.call, fact.by_command);
  const Images& other = &own == &images_ ? podman_images_ : images_;
  if (!fact.resolved_image.empty()) {
    if (const auto found = own.find(fact.resolved_image, fact.time); found.made != nullptr)
      return found;
    if (const Made* made = other.find_id(fact.resolved_image, fact.time); made != nullptr)
      return {made, true};
  }
  const auto found = own.find(fact.image, fact.time);
  constexpr std::size_t kShortId = 12;  // fewer digits may be a name
  if (found.made == nullptr && fact.image.size() >= kShortId)
    return {other.find_id(fact.image, fact.time), true};
  const bool differs = !fact.resolved_image.empty() && !found.made->image.id.empty();
  return differs ? Images::Found{} : found;
}

void Tracker::on(const ManifestStored& fact) {
  stores_.learn(fact);
  note_refusals();
}

void Tracker::on(ContainerCreated fact) {
  pods_.complete(fact);
  const bool own = fact.engine_namespace.empty();
  if (own || (fact.engine_namespace != kDockers && is_kernel_id(fact.container_id)))
    by_api_.insert(fact.container_id);
  if (!room_for_deploy(fact.time)) return;
  Waiting waiting;
  waiting.created = fact;
  waiting.created.name = plain(fact.name);
  if (fact.by_command) {
    waiting.client.transport = Transport::kNone;
    waiting.client.process = fact.client;
    if (fact.client) waiting.client.container_id = identity::container_of(fact.client->cgroup);
  }
  if (const auto found = find_image(fact); found.made != nullptr) {
    waiting.made = *found.made;
    waiting.certain = found.certain;
    if (found.other != nullptr) waiting.other = found.other->import;
  }
  if (own) {
    api_containers_.created(fact.container_id, waiting.created.name);
    if (!waiting.created.name.empty()) created_names_[waiting.created.name] = fact.container_id;
  }
  const std::string key = key_of(fact.engine_namespace, fact.container_id);
  created_[key] = std::move(waiting);
  timers_.at(fact.time + kDeployWait, [this, key](TimeNs due) { check_deploy(key, due); });
  // Records of two conversations may be told in the wrong order, a little.
  for (auto it = early_starts_.begin(); it != early_starts_.end(); ++it) {
    if (it->time + kClientWait < fact.time || it->engine_namespace != fact.engine_namespace ||
        !refers(plain(it->container), fact))
      continue;
    const ContainerStarted start = *it;
    early_starts_.erase(it);
    return settle_deploy(key, &start, fact.time);
  }
}

std::string Tracker::waiting_deploy(const std::string& space, const std::string& reference) const {
  if (!space.empty()) {
    const auto key = key_of(space, reference);
    return created_.contains(key) ? key : std::string();
  }
  if (created_.contains(reference)) return reference;
  if (const auto it = created_names_.find(reference); it != created_names_.end()) return it->second;
  if (reference.empty()) return {};
  const auto first = created_.lower_bound(reference);
  if (first == created_.end() || !first->first.starts_with(reference)) return {};
  const auto second = std::next(first);
  const bool several = second != created_.end() && second->first.starts_with(reference);
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
  const auto it = created_.find(waiting_deploy(fact.engine_namespace, plain(fact.container)));
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

void Tracker::on(const ContainerStarted& fact) {
  const std::string reference = plain(fact.container);
  const std::string id = waiting_deploy(fact.engine_namespace, reference);
  if (!id.empty()) return settle_deploy(id, &fact, fact.time);
  if (by_api_.contains(reference)) return;  // decided before
  // Whoever made it: a step's container can be started by a client, too, so that says little. A
  // name tells no id; see blind_egress.
  if (fact.engine_namespace.empty() && reference.size() == 64 && !announced(reference))
    by_start_.insert(reference);
  if (early_starts_.size() >= kMaxEarlyStarts) early_starts_.pop_front();
  early_starts_.push_back(fact);
  timers_.at(fact.time + kStartAnswer, [this](TimeNs due) {
    while (!early_starts_.empty() && early_starts_.front().time + kStartAnswer <= due)
      early_starts_.pop_front();
  });
}

void Tracker::on(const ImageTagged& fact) {
  images_of(fact.call).tag(fact.source, fact.tag, fact.time);
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

void Tracker::forget_deploy(std::map<std::string, Waiting>::iterator it) {
  const ContainerCreated& created = it->second.created;
  if (const auto name = created_names_.find(created.name);
      name != created_names_.end() && name->second == created.container_id) {
    created_names_.erase(name);
  }
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
  moment.reasons.push_back(
      {"image-uncertain", std::string("an image ") + (made.build ? "built" : "imported") +
                              " here had this name; since then a load, a pull or a "
                              "BuildKit build may have given the name to another image"});
  if (made.build) {
    moment.reasons.push_back(
        {"candidate", "build " + made.build->id + " made image " + made.image.id});
  }
  for (const auto& import : {made.import, waiting.other}) {
    if (!import) continue;
    moment.reasons.push_back(
        {"candidate", "import " + import->id + " brought an image of this name"});
  }
}

void Tracker::settle_deploy(const std::string& id, const ContainerStarted* start, TimeNs time) {
  const auto it = created_.find(id);
  if (it == created_.end()) return;
  if (start == nullptr && it->second.told) return;
  const Waiting waiting = it->second;
  if (start != nullptr || !waiting.made) {
    forget_deploy(it);
  } else {
    it->second.told = true;
    told_created_.push_back(id);
    timers_.at(waiting.created.time + deploy_window_, [this, id](TimeNs) {
      std::erase(told_created_, id);
      if (const auto old = created_.find(id); old != created_.end()) forget_deploy(old);
    });
  }
  if (!waiting.made) return;
  Moment moment;
  moment.kind = MomentKind::kImageDeploy;
  moment.time = time;
  moment.call = waiting.created.call;
  moment.key = id + (waiting.told ? "/started" : "");
  if (waiting.told) {
    moment.reasons.push_back({"told-as-created",
                              "an alert before this one told that the container "
                              "was created and had not started"});
  }
  tell_image(waiting, moment);
  Deployment deployment;
  deployment.time = start != nullptr ? start->time : waiting.created.time;
  const Container* container = containers_.find(waiting.created.container_id);
  // A start that was asked for by words that were not understood shows in the kernel.
  const bool runs =
      !waiting.created.engine_namespace.empty() && container != nullptr && container->init_pid != 0;
  deployment.started = start != nullptr || runs;
  deployment.container = waiting.created;
  if (start == nullptr || waiting.created.by_command) deployment.client = waiting.client;
  fill_client(start != nullptr ? start->call.conn : waiting.created.call.conn, deployment.client);
  moment.deployment = std::move(deployment);
  tell(std::move(moment));
}

}  // namespace kilnwatch::tracker
