// Which store an engine has, and which image a container in it is made of.
#include "base/text.h"
#include "tracker/scopes.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

// Where it is not known: whoever serves that path.
Process Tracker::engine_of(const ConnOpened& opened) const {
  const Process* known =
      opened.engine_pid != 0 ? processes().find_alive(opened.engine_pid, opened.time) : nullptr;
  if (known != nullptr) return *known;
  Process engine;
  engine.pid = 1;
  engine.uid = user_of(opened.path);
  return engine;
}

// Also one that was forgotten: what comes of it is its own engine's.
const Conn* Tracker::conn_of(ConnId conn) const {
  for (const auto* conns : {&conns_, &evicted_}) {
    if (const auto at = conns->find(conn); at != conns->end()) return &at->second;
  }
  return nullptr;
}

std::uint32_t Tracker::uid_of(const CallId& call) const {
  const Conn* conn = conn_of(call.conn);
  return conn != nullptr ? conn->uid : 0;
}

// What an engine says of containers counts for those that its user's shims started: any user's
// program may be called dockerd. Inside a container the user counts for nothing: what is there can
// speak of what is below it only.
std::string Tracker::api_key(std::uint32_t uid, const std::string& id) const {
  return uid == 0 || outer_ != nullptr ? id : std::to_string(uid) + "/" + id;
}

std::string Tracker::store_of(const CallId& call) const {
  const Conn* conn = conn_of(call.conn);
  return conn != nullptr ? conn->store : std::string();
}

// Each engine has a store of its own; what goes from one to the other keeps its id.
Images& Tracker::images_of(const CallId& call) {
  const Conn* conn = conn_of(call.conn);
  const bool podman = conn != nullptr && conn->opened.engine == EngineKind::kPodman;
  return podman ? podman_images_ : images_;
}

// In containerd's namespaces ids are what clients call their containers: each has its own, and each
// user's containerd has its own namespaces.
template <class Fact>
std::string Tracker::scope_of(const Fact& fact) const {
  if (!fact.engine_namespace.empty())
    return "/" + api_key(uid_of(fact.call), fact.engine_namespace) + "/";
  if constexpr (requires { fact.by_command; }) {
    if (fact.by_command) return store_of_command(fact.client.value_or(Process{}));
  }
  return store_of(fact.call);
}
template std::string Tracker::scope_of(const ContainerCreated&) const;
template std::string Tracker::scope_of(const ContainerStartAsked&) const;
template std::string Tracker::scope_of(const ContainerStarted&) const;

// What a name means in a namespace of containerd.
Images::Found Tracker::stored_image(const ContainerCreated& fact) const {
  const auto meaning = stores_.seen(uid_of(fact.call)).find(fact);
  for (const auto& id : meaning.ids) {
    for (const Images* images : {&images_, &podman_images_}) {
      if (const Made* made = images->find_id(id, fact.time); made != nullptr)
        return {made, meaning.certain};
    }
    if (const Made* made = exported(id, fact.time)) return {made, meaning.certain};
  }
  if (meaning.certain) return {};
  return {images_.find(fact.image, fact.time, {}).made, false};
}

// By what the engine took for it, where that is known: its name may mean another image here. What
// comes out of a container can speak of what that container has, and of nothing else.
Images::Found Tracker::find_image(const ContainerCreated& fact) {
  if (!fact.engine_namespace.empty()) return stored_image(fact);
  const std::string store = scope_of(fact);
  const bool contained =
      fact.by_command && fact.client && !identity::container_of(fact.client->cgroup).empty();
  const Images& own = fact.by_command ? podman_images_ : images_of(fact.call);
  const Images& other = &own == &images_ ? podman_images_ : images_;
  if (!fact.resolved_image.empty()) {
    if (const Made* made =
            own.find_id(fact.resolved_image, fact.time, contained ? &store : nullptr))
      return {made, true};
    if (const Made* made = contained ? nullptr : other.find_id(fact.resolved_image, fact.time))
      return {made, true};
    // The engine took none that is known, unless it is one whose id was never told.
    const auto named = own.find(fact.image, fact.time, store);
    if (named.made == nullptr || !named.made->image.id.empty()) return {};
    return {named.made, false, named.other};
  }
  const auto found = own.find(fact.image, fact.time, store);
  if (found.made != nullptr || fact.image.size() < kShortId) return found;
  return {other.find_id(fact.image, fact.time), true};
}

}  // namespace kilnwatch::tracker
