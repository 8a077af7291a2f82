#include "engine/containerd/manifest.h"

#include <array>

#include "base/text.h"
#include "engine/containerd/json_mask.h"
#include "protocol/json/json.h"

namespace kilnwatch::engine::containerd {
namespace {

using protocol::json_find;
using protocol::json_string;

constexpr std::array<std::string_view, 8> kKeys = {
    "schemaVersion", "mediaType", "config", "digest", "size", "layers", "manifests", "platform"};
constexpr std::array<std::string_view, 2> kValues = {"mediaType", "digest"};

}  // namespace

std::optional<Manifest> read_manifest(std::string_view json) {
  const auto value = protocol::parse_json(json);
  if (!value || !value->is_object()) return std::nullopt;
  Manifest out;
  if (const auto* config = json_find(*value, "config"); config != nullptr) {
    out.config = json_string(json_find(*config, "digest"));
    if (base::is_digest(out.config)) return out;
    return std::nullopt;
  }
  const auto* manifests = json_find(*value, "manifests");
  if (manifests == nullptr) return std::nullopt;
  for (const auto& [key, manifest] : manifests->members) {
    auto digest = json_string(json_find(manifest, "digest"));
    if (base::is_digest(digest) && out.manifests.size() < kMaxPlatforms) {
      out.manifests.push_back(std::move(digest));
    } else {
      out.whole = false;
    }
  }
  return out;
}

std::string masked_manifest(std::string_view json) { return masked_json(json, kKeys, kValues); }

bool may_be_manifest(std::string_view front) {
  const auto begin = front.find_first_not_of(" \t\r\n");
  if (begin == front.npos || front[begin] != '{') return false;
  // A configuration is a document, too, and may be as large as it likes.
  return front.find("\"schemaVersion\"") != front.npos || front.find("\"manifests\"") != front.npos;
}

}  // namespace kilnwatch::engine::containerd
