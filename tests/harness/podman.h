// Conversations with podman's API, over any split of their bytes.
#pragma once

#include <string>
#include <vector>

#include "harness/conversation.h"

namespace kilnwatch::test {

// One message as podman's encoder writes it (podman: pkg/api/handlers/utils/handler.go).
inline std::string podman_message(const std::string& json) { return chunk(json + "\n"); }
inline std::string podman_says(const std::string& escaped) {
  return podman_message("{\"stream\":\"" + escaped + "\"}");
}

inline engine::Output podman_converse(const std::vector<Turn>& turns, Splitter split,
                                      bool midway = false) {
  return converse(turns, std::move(split), true, midway, false, domain::EngineKind::kPodman);
}

}  // namespace kilnwatch::test
