// Which reader a connection gets: by its engine, and by who made it.
#include "engine/containerd/conversation.h"
#include "engine/conversation.h"
#include "engine/docker/conversation.h"
#include "engine/docker/fetch.h"
#include "engine/docker/hook_socket.h"

namespace kilnwatch::engine {

std::unique_ptr<Conversation> make_conversation(const domain::ConnOpened& opened) {
  if (opened.engine == domain::EngineKind::kContainerd)
    return std::make_unique<containerd::ContainerdConversation>(opened);
  if (docker::is_hook_socket(opened.path)) return std::make_unique<docker::NoConversation>();
  if (opened.fetch) return docker::make_fetch(opened);
  return std::make_unique<docker::DockerConversation>(opened);
}

}  // namespace kilnwatch::engine
