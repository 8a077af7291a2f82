#include "engine/buildkit/step_secrets.h"

#include <algorithm>
#include <utility>

#include "base/secrets.h"
#include "engine/buildkit/vertex_name.h"
#include "engine/docker/mask.h"

namespace kilnwatch::engine::buildkit {
namespace {

// Statuses of an export: references and digests (exporter/containerimage, mobyexporter).
bool is_export_status(std::string_view id) {
  return id.starts_with("writing image sha256:") || id.starts_with("exporting ");
}

// An image's name follows.
constexpr std::string_view kNaming = "naming to ";

}  // namespace

void StepSecrets::know(std::vector<std::string> values) {
  std::erase_if(values, [](const std::string& v) {
    // Stars: masked before, in a recording.
    return v.size() < kMinSecretValue || v.find_first_not_of('*') == std::string::npos;
  });
  known_ = values.size() <= kMaxSecretValues;
  if (known_) values_ = std::move(values);
}

std::string StepSecrets::masked_text(std::string_view text) const {
  if (text.starts_with(kNaming))
    return std::string(kNaming) + docker::masked_reference(text.substr(kNaming.size()));
  std::string out(text);
  if (!known_) {
    if (!is_export_status(text)) std::fill(out.begin(), out.end(), '*');
    return out;
  }
  for (const std::string& value : values_) {
    for (auto at = text.find(value); at != text.npos; at = text.find(value, at + 1))
      std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(at), value.size(), '*');
  }
  return base::mask_text_same_length(out);
}

std::string StepSecrets::masked_name(std::string_view name) const {
  const auto parsed = parse_vertex_name(name);
  if (parsed.exports) return base::mask_text_same_length(name);
  // The place of a step is BuildKit's own.
  const auto lead = static_cast<std::size_t>(parsed.text.data() - name.data());
  if (parsed.kind == domain::VertexKind::kBase)
    return std::string(name.substr(0, lead)) + docker::masked_reference(name.substr(lead));
  std::string_view text = parsed.text;
  if (known_) return std::string(name.substr(0, lead)) + masked_text(text);
  std::string out(name);
  const auto verb = std::min(text.find_first_of(" \t"), text.size() - 1) + 1;
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(lead + verb), out.end(), '*');
  return out;
}

std::size_t StepSecrets::held_bytes() const {
  std::size_t sum = values_.capacity() * sizeof(std::string);
  for (const auto& value : values_) sum += value.capacity();
  return sum;
}

}  // namespace kilnwatch::engine::buildkit
