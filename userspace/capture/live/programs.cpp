#include "capture/live/programs.h"

#include "wire/events.h"

namespace kilnwatch::capture {

std::uint32_t engine_of(std::string_view comm) {
  if (comm == "dockerd") return KW_ENGINE_DOCKER;
  if (comm == "containerd") return KW_ENGINE_CONTAINERD;
  return KW_ENGINE_NONE;
}

bool is_lineage_root(std::string_view comm) {
  return engine_of(comm) != KW_ENGINE_NONE || comm == "containerd-shim" || comm == "runc";
}

}  // namespace kilnwatch::capture
