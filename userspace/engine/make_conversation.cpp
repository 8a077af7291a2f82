// Which reader a connection gets: by its engine, and by who made it.
#include "engine/buildkit/daemon_conversation.h"
#include "engine/containerd/conversation.h"
#include "engine/conversation.h"
#include "engine/docker/conversation.h"
#include "engine/docker/fetch.h"
#include "engine/docker/hook_socket.h"
#include "engine/podman/api.h"

namespace kilnwatch::engine {

std::unique_ptr<Conversation> make_conversation(const domain::ConnOpened& opened) {
  if (opened.engine == domain::EngineKind::kContainerd)
    return std::make_unique<containerd::ContainerdConversation>(opened);
  if (docker::is_hook_socket(opened.path) || podman::is_agent_socket(opened.path))
    return std::make_unique<docker::NoConversation>();
  if (opened.fetch) return docker::make_fetch(opened);
  if (opened.engine == domain::EngineKind::kBuildkitd)
    return std::make_unique<buildkit::DaemonConversation>(opened);
  if (opened.engine == domain::EngineKind::kPodman)
    return std::make_unique<docker::DockerConversation>(opened, podman::kApi);
  return std::make_unique<docker::DockerConversation>(opened, docker::kApi);
}

}  // namespace kilnwatch::engine
