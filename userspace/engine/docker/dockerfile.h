// What a Dockerfile says before it is built.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domain/api_fact.h"

namespace kilnwatch::engine::docker {

inline constexpr std::size_t kMaxInstructions = 512;
inline constexpr std::size_t kMaxHeredocs = 16;  // of one instruction

struct Dockerfile {
  std::vector<domain::Instruction> instructions;
  bool whole = true;                     // false: there are more than kMaxInstructions
  std::vector<std::string> base_images;  // FROM images, not stages; ARG defaults filled in
};

// Logical lines, an ARG before the first FROM is one (moby: builder/dockerfile/builder.go counts it
// as a step): comments left out, continuations joined. Secrets are masked.
Dockerfile parse_dockerfile(std::string_view text);

// That, as a fact of the bytes as sent.
domain::DockerfileSeen seen_dockerfile(std::string_view text, domain::TimeNs time,
                                       domain::CallId call);

}  // namespace kilnwatch::engine::docker
