#include "engine/buildkit/file_sync.h"

#include <algorithm>

#include "base/secrets.h"
#include "engine/docker/dockerfile.h"
#include "engine/wire.h"

namespace kilnwatch::engine::buildkit {
namespace {

// fsutil types.Packet and Stat. STAT has the number 0, which is not on the wire.
constexpr std::uint32_t kType = 1, kStat = 2, kId = 3, kData = 4, kPath = 1, kMode = 2;
constexpr std::uint64_t kIsStat = 0, kIsData = 2;
constexpr std::uint64_t kModeType = 0x8f280000;  // os.ModeType of Go: any bit is no regular file

struct Parts {
  std::uint64_t type = kIsStat;
  std::uint64_t id = 0;
  std::optional<Field> stat, data;
};

Parts parts_of(std::string_view packet) {
  Parts parts;
  Fields fields(packet);
  Field field;
  while (fields.next(field)) {
    if (field.number == kType && field.varint) parts.type = field.value;
    if (field.number == kId && field.varint) parts.id = field.value;
    if (field.number == kStat && field.text) parts.stat = field;
    if (field.number == kData && field.text) parts.data = field;
  }
  return parts;
}

// Of an entry its path and mode, the rest zero.
std::string masked_stat(std::string_view stat) {
  return rewritten_part(stat, [](const Field& field, std::string_view value) {
    if (field.text && field.number == kPath) return base::mask_text_same_length(value);
    return field.varint && field.number == kMode ? std::string(value) : blank(field);
  });
}

}  // namespace

std::optional<domain::DockerfileSeen> FileSync::sent(const Packet& packet, domain::TimeNs time,
                                                     domain::Direction direction,
                                                     std::vector<SafeRange>& safe) {
  const auto parts = parts_of(packet.bytes);
  if (parts.type == kIsStat && parts.stat && packet.whole) {
    const auto stat = packet.bytes.substr(parts.stat->at, parts.stat->size);
    std::string masked(packet.bytes);
    masked.replace(parts.stat->at, parts.stat->size, masked_stat(stat));
    vouch(direction, packet.pieces, masked, safe);
    std::string path;
    std::uint64_t mode = 0;
    Fields fields(stat);
    Field field;
    while (fields.next(field)) {
      if (field.number == kPath && field.text) path = stat.substr(field.at, field.size);
      if (field.number == kMode && field.varint) mode = field.value;
    }
    const auto id = entries_++;
    if ((mode & kModeType) == 0 && !path.ends_with(".dockerignore") &&
        names_.size() < kMaxSyncNames)
      names_.emplace(id, std::move(path));
    return std::nullopt;
  }
  if (parts.type != kIsData) return std::nullopt;
  const auto id = static_cast<std::uint32_t>(parts.id);
  if (!names_.contains(id)) return std::nullopt;
  if (file_ != id) drop();
  file_ = id;
  if (parts.data && parts.data->size > 0) {
    if (!packet.whole || text_.size() + parts.data->size > kMaxSyncFile) {
      broken_ = true;
      return std::nullopt;
    }
    vouch(direction, packet.pieces, packet.bytes.substr(0, parts.data->at), safe);
    take_data(packet, parts.data->at, parts.data->size);
    return std::nullopt;
  }
  if (!packet.whole || broken_) {
    drop();
    return std::nullopt;
  }
  // An empty packet ends a file.
  vouch(direction, packet.pieces, packet.bytes, safe);
  text_.vouch(direction, 0, text_.size(), base::mask_text_same_length(text_.bytes()), safe);
  auto seen = docker::seen_dockerfile(text_.bytes(), time, {});
  names_.erase(id);
  drop();
  return seen;
}

void FileSync::asked(const Packet& packet, domain::Direction direction,
                     std::vector<SafeRange>& safe) {
  const auto parts = parts_of(packet.bytes);
  if (packet.whole && !parts.stat && !parts.data)
    vouch(direction, packet.pieces, packet.bytes, safe);
}

void FileSync::take_data(const Packet& packet, std::size_t at, std::size_t size) {
  for (const auto& place : stretch(packet.pieces, at, size)) {
    text_.add(place.pos, packet.bytes.substr(at, place.size));
    at += place.size;
  }
  if (text_.pieces() <= kMaxSyncPieces) return;
  broken_ = true;
  text_.clear();
}

void FileSync::drop() {
  file_.reset();
  text_.clear();
  broken_ = false;
}

std::size_t FileSync::held_bytes() const {
  std::size_t sum = text_.held_bytes();
  for (const auto& [id, name] : names_) sum += sizeof(id) + name.capacity();
  return sum;
}

}  // namespace kilnwatch::engine::buildkit
