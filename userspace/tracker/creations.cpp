// Containers that start and whose creation was not seen: they are older than the sensor, or their
// engine made them without being asked by a client.
#include <string_view>
#include <utility>

#include "identity/container.h"
#include "tracker/agreement.h"
#include "tracker/ident.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

constexpr std::string_view kPodmans = "/podman/";  // see store_of_command

}  // namespace

// By its engine for what the kernel tells, and by the store or namespace that its id means
// something in. Any process may say that it is podman's command: what it says has no part in
// dockerd's.
void Tracker::note_creation(const ContainerCreated& fact, const std::string& scope) {
  if (!fact.by_command) creations_.insert(api_key(uid_of(fact.call), fact.container_id));
  if (!scope.empty()) creations_.insert(scope + fact.container_id);
}

// Its first process was seen to begin. Of other engines than dockerd the kernel does not tell who
// is followed: there a client's start says it.
void Tracker::await_creation(const Container& container, TimeNs time) {
  static_assert(kCreationWait < kLinger);  // the container is remembered, and the builds beside it
  if (container.other_engine || !container.above.empty() ||
      identity::is_buildkit_step(container.id))
    return;
  const std::string key = api_key(container.uid, container.id);
  if (creations_.contains(key)) return;
  timers_.at(time + kCreationWait, [this, key, id = container.id](TimeNs due) {
    if (creations_.contains(key)) return;
    const Container* one = containers_.find(id);
    if (one == nullptr || !is_surely_step(*one)) tell_unseen(key, id, due);
  });
}

// Announced, or it runs what a step of its engine says. That a build is open which says nothing of
// its steps is not enough: it may be there to hide something.
bool Tracker::is_surely_step(const Container& container) {
  const Owner owner = owner_of(container, true);
  if (owner.run == nullptr || owner.unsure) return false;
  if (outer_ == nullptr && uid_of(owner.run->build.request.call) != container.uid) return false;
  return owner.step.attribution == Attribution::kExact ||
         (owner.step.number != 0 && agrees(owner.step.instruction, container, Agreement::kAgrees));
}

// Nothing that was created fits it. By what name dockerd's clients call a container says nothing
// here: the kernel tells its id.
void Tracker::miss_creation(const EarlyStart& early, TimeNs time) {
  const std::string reference = plain_name(early.start.container);
  if (early.start.engine_namespace.empty() && !early.scope.starts_with(kPodmans)) return;
  const auto id = api_containers_.find(early.scope, reference);
  const std::string key = early.scope + (id.empty() ? reference : id);
  if (!creations_.contains(key)) tell_unseen(key, reference, time);
}

// Each once, whoever starts it again; one for which no room was left in the alert has its turn
// then.
void Tracker::tell_unseen(const std::string& key, const std::string& container, TimeNs time) {
  const auto due = losses_.add({}, kCreation, 1, time, container);
  if (due.named) creations_.insert(key);
  tell_loss(due, kCreation, time, {}, {});
}

}  // namespace kilnwatch::tracker
