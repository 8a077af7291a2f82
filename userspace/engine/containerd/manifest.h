// Manifests and indexes (OCI image-spec manifest.md, image-index.md; docker's schema 2 has the same
// members).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kilnwatch::engine::containerd {

inline constexpr std::size_t kMaxPlatforms = 64;  // manifests of an index that are remembered

struct Manifest {
  std::string config;                  // digest; empty: an index
  std::vector<std::string> manifests;  // of an index
  bool whole = true;                   // false: it has others, too
};

// Nothing when it is neither.
std::optional<Manifest> read_manifest(std::string_view json);

// What of it may be recorded, of equal length.
std::string masked_manifest(std::string_view json);

// It may be one, as far as its first bytes tell.
bool may_be_manifest(std::string_view front);

}  // namespace kilnwatch::engine::containerd
