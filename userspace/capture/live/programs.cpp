#include "capture/live/programs.h"

#include "wire/events.h"

namespace kilnwatch::capture {

std::uint32_t engine_of(std::string_view comm) {
  if (comm == "dockerd") return KW_ENGINE_DOCKER;
  if (comm == "podman") return KW_ENGINE_PODMAN;
  if (comm == "containerd") return KW_ENGINE_CONTAINERD;
  if (comm == "buildkitd") return KW_ENGINE_BUILDKITD;
  return KW_ENGINE_NONE;
}

bool is_rootless_podman(std::string_view comm, std::string_view exe) {
  return comm == "exe" && exe.ends_with("/podman");
}

bool is_podman_socket(std::string_view path) { return path.ends_with("/podman/podman.sock"); }

bool is_lineage_root(std::string_view comm) {
  return engine_of(comm) != KW_ENGINE_NONE || comm == "containerd-shim" || comm == "runc" ||
         comm == "crun" || comm == "conmon";
}

bool is_builder(std::string_view comm, std::string_view exe) {
  return comm == "podman" || comm == "buildah" || (comm == "executor" && exe == "/kaniko/executor");
}

bool is_itself(std::string_view comm) { return comm == "exe"; }

}  // namespace kilnwatch::capture
