#include "engine/docker/context.h"

#include <algorithm>
#include <utility>

#include "base/secrets.h"
#include "engine/docker/dockerfile.h"
#include "protocol/tar/tar.h"
#include "protocol/unpack/unpack.h"

namespace kilnwatch::engine::docker {
namespace {

std::optional<protocol::TarMember> find(std::string_view archive,
                                        const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (auto member = protocol::find_tar_member(archive, name)) return member;
  }
  return std::nullopt;
}

}  // namespace

void ContextFront::add(const Scene& scene, std::uint64_t pos, std::string_view bytes) {
  while (wanted_ && !bytes.empty()) {
    // Block by block: the end of an archive is looked for where it can stand.
    const auto room = std::min<std::uint64_t>(kMaxContextFront - passed_,
                                              protocol::kTarBlock - passed_ % protocol::kTarBlock);
    const auto piece = bytes.substr(0, room);
    front_.add(pos, piece);
    pos += piece.size();
    passed_ += piece.size();
    bytes.remove_prefix(piece.size());
    if (passed_ >= kMaxContextFront || (passed_ % protocol::kTarBlock == 0 && ended()))
      finish(scene);
  }
}

// Whether the archive ends here. The builder reads no further, so this is when it knows its
// Dockerfile; the request itself may end much later.
bool ContextFront::ended() {
  const std::string_view bytes = front_.bytes();
  if (bytes.size() < protocol::kTarEnd) return false;
  const auto tail = bytes.substr(bytes.size() - protocol::kTarEnd);
  if (tail.find_first_not_of('\0') != tail.npos) return false;
  // Behind a hole, as in a recording, the zeros may stand alone.
  const bool alone = holed_ && bytes.size() == protocol::kTarEnd;
  end_ = alone ? std::optional<std::size_t>(0) : protocol::tar_end(bytes);
  return end_.has_value();
}

void ContextFront::hole(const Scene& scene, std::uint64_t count) {
  if (!wanted_) return;
  passed_ += count;
  // In a recording only the Dockerfile's own blocks and the end stand between holes: each stretch
  // is looked at by itself.
  look();
  front_.clear();
  holed_ = true;
  if (passed_ >= kMaxContextFront) finish(scene);
}

void ContextFront::finish(const Scene& scene) {
  if (!wanted_) return;
  wanted_ = false;
  look();
  auto& safe = scene.out->safe;
  if (found_) {
    found_->time = scene.now;
    scene.out->facts.emplace_back(*std::exchange(found_, std::nullopt));
    safe.insert(safe.end(), safe_.begin(), safe_.end());
  }
  if (end_) {
    front_.vouch(domain::Direction::kRequest, *end_, *end_ + protocol::kTarEnd,
                 std::string(protocol::kTarEnd, '\0'), safe);
  }
  safe_.clear();
  front_.clear();
}

// For the Dockerfile in what is gathered.
void ContextFront::look() {
  if (front_.empty()) return;
  const bool packed = protocol::packing_of(front_.bytes()) != protocol::Packing::kNone;
  const std::string unpacked =
      packed ? protocol::unpack_front(front_.bytes(), kMaxUnpackedFront) : std::string();
  const std::string_view archive = packed ? unpacked : front_.bytes();
  const auto member = find(archive, names_);
  if (!member) return;
  const auto [header, content, size] = *member;
  const auto text = archive.substr(content, size);
  found_ = seen_dockerfile(text, 0, id_);
  safe_.clear();
  if (packed) return;  // its bytes mean nothing outside the whole
  front_.vouch(domain::Direction::kRequest, header, content,
               archive.substr(header, content - header), safe_);
  front_.vouch(domain::Direction::kRequest, content, content + size,
               base::mask_text_same_length(text), safe_);
}

}  // namespace kilnwatch::engine::docker
