#include "engine/podman/api.h"

#include "engine/docker/container.h"
#include "engine/docker/giving_call.h"
#include "engine/podman/build_call.h"
#include "engine/podman/create.h"
#include "engine/podman/image_call.h"
#include "engine/podman/route.h"

namespace kilnwatch::engine::podman {
namespace {

using docker::Kind;

std::unique_ptr<docker::Call> make_call(const protocol::Head& head, domain::CallId id,
                                        const docker::Scene& scene) {
  const auto route = route_of(head.first, head.second);
  switch (route.kind) {
    case Kind::kBuild:
      return std::make_unique<BuildCall>(head, id, route, scene);
    case Kind::kCreate:
      if (route.libpod)  // its name stands in the body
        return docker::make_create_call(id, {}, {parse_create, masked_create});
      return docker::make_create_call(id, route.query.last_folded("name"),
                                      {docker::parse_create, docker::masked_create});
    case Kind::kPull:
    case Kind::kImport:
    case Kind::kLoad:
    case Kind::kCommit:
      return std::make_unique<ImageCall>(id, route);
    case Kind::kExec:
      return docker::make_giving_call(id, route);
    default:
      return docker::make_plain_call(id, route);
  }
}

std::unique_ptr<docker::Call> make_unseen_call() { return std::make_unique<BuildCall>(); }

}  // namespace

const docker::Api kApi{make_call, make_unseen_call};

bool is_agent_socket(std::string_view path) { return path.find("/.buildah-ssh-sock") != path.npos; }

}  // namespace kilnwatch::engine::podman
