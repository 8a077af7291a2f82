#include "engine/buildkit/file_sync.h"

#include <algorithm>

#include "base/secrets.h"
#include "base/sha256.h"
#include "engine/buildkit/wire.h"
#include "engine/docker/dockerfile.h"

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

std::uint64_t number(std::string_view varint) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < varint.size() && i < 10; ++i)
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(varint[i]) & 0x7fu) << (7 * i);
  return value;
}

Parts parts_of(std::string_view packet) {
  Parts parts;
  Fields fields(packet);
  Field field;
  while (fields.next(field)) {
    const auto value = packet.substr(field.at, field.size);
    if (field.number == kType && !field.text) parts.type = number(value);
    if (field.number == kId && !field.text) parts.id = number(value);
    if (field.number == kStat && field.text) parts.stat = field;
    if (field.number == kData && field.text) parts.data = field;
  }
  return parts;
}

void vouch(const std::vector<protocol::Piece>& at, std::string_view bytes,
           domain::Direction direction, std::vector<SafeRange>& safe) {
  for (const auto& piece : at) {
    const auto n = std::min(piece.size, bytes.size());
    if (n == 0) return;
    safe.push_back({direction, piece.pos, std::string(bytes.substr(0, n))});
    bytes.remove_prefix(n);
  }
}

// Of an entry its path and mode, the rest zero.
std::string masked_stat(std::string_view stat) {
  std::string out(stat);
  Fields fields(stat);
  Field field;
  while (fields.next(field)) {
    const auto value = stat.substr(field.at, field.size);
    std::string kept = blank(field);
    if (field.text && field.number == kPath) kept = base::mask_text_same_length(value);
    if (!field.text && field.number == kMode) kept = value;
    out.replace(field.at, field.size, kept);
  }
  return fields.whole() ? out : std::string(stat.size(), '\0');
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
    vouch(packet.pieces, masked, direction, safe);
    std::string path;
    std::uint64_t mode = 0;
    Fields fields(stat);
    Field field;
    while (fields.next(field)) {
      if (field.number == kPath && field.text) path = stat.substr(field.at, field.size);
      if (field.number == kMode && !field.text) mode = number(stat.substr(field.at, field.size));
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
    vouch(packet.pieces, packet.bytes.substr(0, parts.data->at), direction, safe);
    take_data(packet, parts.data->at, parts.data->size);
    return std::nullopt;
  }
  if (!packet.whole || broken_) {
    drop();
    return std::nullopt;
  }
  // An empty packet ends a file.
  vouch(packet.pieces, packet.bytes, direction, safe);
  vouch(places_, base::mask_text_same_length(text_), direction, safe);
  auto parsed = docker::parse_dockerfile(text_);
  domain::DockerfileSeen seen{time,
                              {},
                              base::mask_text(text_),
                              base::sha256_hex(text_),
                              std::move(parsed.base_images),
                              std::move(parsed.instructions),
                              parsed.whole};
  names_.erase(id);
  drop();
  return seen;
}

void FileSync::asked(const Packet& packet, domain::Direction direction,
                     std::vector<SafeRange>& safe) {
  const auto parts = parts_of(packet.bytes);
  if (packet.whole && !parts.stat && !parts.data)
    vouch(packet.pieces, packet.bytes, direction, safe);
}

void FileSync::take_data(const Packet& packet, std::size_t at, std::size_t size) {
  for (const auto& place : stretch(packet.pieces, at, size)) places_.push_back(place);
  if (places_.size() > kMaxSyncPieces) {
    broken_ = true;
    places_.clear();
    return;
  }
  text_ += packet.bytes.substr(at, size);
}

void FileSync::drop() {
  file_.reset();
  text_.clear();
  places_.clear();
  broken_ = false;
}

std::size_t FileSync::held_bytes() const {
  std::size_t sum = text_.capacity() + places_.capacity() * sizeof(protocol::Piece);
  for (const auto& [id, name] : names_) sum += sizeof(id) + name.capacity();
  return sum;
}

}  // namespace kilnwatch::engine::buildkit
