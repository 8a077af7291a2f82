#include "engine/docker/context.h"

#include <algorithm>
#include <utility>

#include "base/secrets.h"
#include "base/sha256.h"
#include "engine/docker/dockerfile.h"
#include "protocol/tar/tar.h"
#include "protocol/unpack/unpack.h"

namespace kilnwatch::engine::docker {
namespace {

// moby withDockerfileFromContext: only the default name falls back to lower case.
std::optional<protocol::TarMember> find(std::string_view archive, const std::string& name) {
  if (!name.empty()) return protocol::find_tar_member(archive, name);
  const auto member = protocol::find_tar_member(archive, "Dockerfile");
  return member ? member : protocol::find_tar_member(archive, "dockerfile");
}

}  // namespace

void ContextFront::add(const Scene& scene, std::uint64_t pos, std::string_view bytes) {
  if (!wanted_) return;
  const auto room = kMaxContextFront - std::min<std::uint64_t>(passed_, kMaxContextFront);
  front_.add(pos, bytes.substr(0, room));
  passed_ += bytes.size();
  if (passed_ >= kMaxContextFront) finish(scene);
}

void ContextFront::hole(const Scene& scene, std::uint64_t count) {
  if (!wanted_) return;
  passed_ += count;
  // Of a recording, where only the Dockerfile's own members stand between holes: each is looked at
  // by itself.
  if (!front_.empty() && take(scene)) wanted_ = false;
  front_.clear();
  if (passed_ >= kMaxContextFront) wanted_ = false;
}

void ContextFront::finish(const Scene& scene) {
  if (!wanted_) return;
  wanted_ = false;
  if (!front_.empty()) take(scene);
  front_.clear();
}

bool ContextFront::take(const Scene& scene) {
  const bool packed = protocol::packing_of(front_.bytes()) != protocol::Packing::kNone;
  const std::string unpacked =
      packed ? protocol::unpack_front(front_.bytes(), kMaxUnpackedFront) : std::string();
  const std::string_view archive = packed ? unpacked : front_.bytes();
  const auto member = find(archive, name_);
  if (!member) return false;
  const auto [header, content, size] = *member;
  const auto text = archive.substr(content, size);
  auto parsed = parse_dockerfile(text);
  scene.out->facts.emplace_back(
      domain::DockerfileSeen{scene.now, id_, base::mask_text(text), base::sha256_hex(text),
                             std::move(parsed.base_images), std::move(parsed.instructions)});
  if (packed) return true;  // its bytes mean nothing outside the whole
  auto& safe = scene.out->safe;
  front_.vouch(domain::Direction::kRequest, header, content,
               archive.substr(header, content - header), safe);
  front_.vouch(domain::Direction::kRequest, content, content + size,
               base::mask_text_same_length(text), safe);
  return true;
}

}  // namespace kilnwatch::engine::docker
