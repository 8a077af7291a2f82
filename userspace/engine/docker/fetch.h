// What an engine itself fetches over plain HTTP: the context of a build with `remote=http://…`
// (moby: daemon/builder/remotecontext/remote.go). The engine writes requests and reads answers.
#pragma once

#include <memory>

#include "engine/conversation.h"

namespace kilnwatch::engine::docker {

inline constexpr std::size_t kMaxFetches = 16;  // requests of one connection that wait for answers

// Facts: ContextFetched. What it can not read it leaves out: nothing of a build is lost by that,
// the builder's own lines name the base image later.
std::unique_ptr<Conversation> make_fetch(const domain::ConnOpened& opened);

}  // namespace kilnwatch::engine::docker
