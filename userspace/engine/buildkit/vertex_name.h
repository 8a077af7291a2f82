// The name of a vertex (buildkit: frontend/dockerfile/dockerfile2llb, prefixCommand).
#pragma once

#include <cstdint>
#include <string_view>

#include "domain/api_fact.h"

namespace kilnwatch::engine::buildkit {

// "[linux/arm64->amd64 build  2/10] RUN make" and what else BuildKit calls its nodes. All parts are
// within the name.
struct VertexName {
  domain::VertexKind kind = domain::VertexKind::kOther;
  bool exports = false;  // "exporting to image": its statuses tell id and tags
  std::string_view platform;
  std::string_view stage;
  std::uint32_t number = 0;
  std::uint32_t total = 0;
  std::string_view text;  // kBase: the reference; kRun: "RUN …"; kOther: what follows the prefix
};

VertexName parse_vertex_name(std::string_view name);

}  // namespace kilnwatch::engine::buildkit
