// Containers that start and whose creation was not seen: they are older than the sensor, or their
// engine made them by itself.
#include <string_view>
#include <utility>

#include "identity/container.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

constexpr std::string_view kPodmans = "/podman/";  // see store_of_command
constexpr char kOfCommand = '@';                   // in no id

}  // namespace

// Any process may say that it is podman's command: what it says has no part in dockerd's.
void Tracker::note_creation(const ContainerCreated& fact) {
  met_.insert(fact.by_command ? kOfCommand + fact.container_id : fact.container_id);
}

// Its first process was seen to begin. Of other engines than dockerd the kernel does not tell by
// itself who is followed: there a client's start says it.
void Tracker::await_creation(const Container& container, TimeNs time) {
  if (container.other_engine || !container.start_seen || !container.above.empty() ||
      identity::is_buildkit_step(container.id))
    return;
  timers_.at(time + kUnmetWait, [this, id = container.id](TimeNs due) {
    const Container* one = containers_.find(id);
    if (one == nullptr || met_.contains(id)) return;
    if (!one->claims.empty() || announced(id)) return met_.insert(id);
    const Owner owner = inferred(*one, true);
    if (owner.run == nullptr || owner.unsure) tell_unmet(id, due);
  });
}

// Nothing that was created fits the oldest start. By what name dockerd's clients call a container
// says nothing here: the kernel tells its id.
void Tracker::drop_early_start(TimeNs time) {
  const EarlyStart early = std::move(early_starts_.front());
  early_starts_.pop_front();
  std::string reference = early.start.container;
  if (reference.starts_with('/')) reference.erase(0, 1);
  const bool tells_id = !early.start.engine_namespace.empty() || early.scope.starts_with(kPodmans);
  if (!tells_id || met_.contains(reference) || announced(reference)) return;
  const auto id = api_containers_.find(early.scope, reference);
  if (met_.contains(id) || met_.contains(kOfCommand + id)) return;
  tell_unmet(reference, time);
}

// Each once, whoever starts it again.
void Tracker::tell_unmet(const std::string& container, TimeNs time) {
  met_.insert(container);
  if (unmet_.size() < kMaxCandidates) unmet_.push_back(container);
  lose(kCreation, 1, time);
}

Reason Tracker::unmet_reason() {
  std::string text;
  for (const std::string& one : std::exchange(unmet_, {})) text += (text.empty() ? "" : ", ") + one;
  return {"creation-unseen", "not seen when they were created: " + text};
}

}  // namespace kilnwatch::tracker
