#include "engine/containerd/blob.h"

#include <algorithm>
#include <utility>

#include "base/secrets.h"
#include "base/text.h"
#include "engine/wire.h"

namespace kilnwatch::engine::containerd {
namespace {

// WriteContentRequest
constexpr std::uint32_t kAction = 1, kRef = 2, kTotal = 3, kExpected = 4, kOffset = 5, kData = 6;
// WriteContentResponse
constexpr std::uint32_t kAnswerOffset = 4, kAnswerTotal = 5, kAnswerDigest = 6;
constexpr std::uint64_t kCommit = 2;
constexpr std::size_t kFront = 4096;  // bytes that tell a manifest

std::string masked_request(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    if (field.varint &&
        (field.number == kAction || field.number == kTotal || field.number == kOffset))
      return std::string(value);
    const bool keep = field.text && (field.number == kRef || field.number == kExpected);
    return keep ? base::mask_text_same_length(value) : blank(field);
  });
}

}  // namespace

std::string BlobWrite::asked(const Request& request, domain::Direction direction,
                             std::vector<SafeRange>& safe) {
  const auto message = request.bytes;
  Field data;
  unsigned datas = 0;
  std::uint64_t action = 0, offset = 0;
  std::string name;
  Fields fields(message);
  Field field;
  while (fields.next(field)) {
    if (field.varint && field.number == kAction) action = field.value;
    if (field.varint && field.number == kOffset) offset = field.value;
    if (field.text && field.number == kRef)
      name = base::mask_text(message.substr(field.at, field.size));
    if (!field.text || field.number != kData) continue;
    data = field;
    ++datas;
  }
  // A writer that names no place begins again (contentserver: Truncate).
  if (action != 0 && offset == 0) {
    text_.clear();
    other_ = false;
    placed_ = true;
  } else if (action != 0 && offset != text_.size()) {
    drop();
  }
  if (datas > 1) drop();  // the last one counts; no client writes two
  const auto place = [&request](std::size_t from, std::size_t size) {
    return protocol::stretch(request.pieces, from, size);
  };
  const auto masked = masked_request(message);
  const auto end = datas > 0 ? data.at + data.size : 0;
  if (datas > 0) {
    vouch(direction, place(0, data.at), masked.substr(0, data.at), safe);
    take(message.substr(data.at, data.size), place(data.at, data.size), direction, safe);
  }
  if (masked.size() > end)
    vouch(direction, place(end, masked.size() - end), masked.substr(end), safe);
  if (!request.whole || !fields.whole()) {
    const auto cut = fields.cut_in() == kData ? fields.cut() : std::string_view();
    const auto places = place(message.size() - cut.size(), cut.size());
    if (text_.empty() && !other_) miss(cut, places, direction, safe);
    drop();
  }
  if (action == kCommit) commit(direction, safe);
  return name;
}

void BlobWrite::take(std::string_view data, std::vector<protocol::Piece> places,
                     domain::Direction direction, std::vector<SafeRange>& safe) {
  if (other_) return;
  if (text_.size() + data.size() > kMaxManifest ||
      text_.pieces() + places.size() > kMaxManifestPieces) {
    if (text_.empty()) {
      miss(data.substr(0, kFront), protocol::stretch(places, 0, kFront), direction, safe);
    } else if (const auto front = text_.bytes().substr(0, kFront); may_be_manifest(front)) {
      missed_ = true;
      if (placed_) text_.vouch(direction, 0, front.size(), masked_manifest(front), safe);
    }
    return drop();
  }
  // Its place is not known where it was compressed on its way.
  placed_ = placed_ && (!places.empty() || data.empty());
  if (!placed_) places = {{0, data.size()}};
  for (const auto& place : places) {
    text_.add(place.pos, data.substr(0, place.size));
    data.remove_prefix(std::min(place.size, data.size()));
  }
  const auto begin = text_.bytes().find_first_not_of(" \t\r\n");
  if (begin != std::string::npos && text_.bytes()[begin] != '{') drop();
}

// Of a manifest that is not read the front says that it is one, in a recording, too.
void BlobWrite::miss(std::string_view front, const std::vector<protocol::Piece>& places,
                     domain::Direction direction, std::vector<SafeRange>& safe) {
  if (!may_be_manifest(front)) return;
  missed_ = true;
  vouch(direction, places, masked_manifest(front), safe);
}

// Not all of it is known from here on.
void BlobWrite::drop() {
  other_ = true;
  text_.clear();
}

void BlobWrite::commit(domain::Direction direction, std::vector<SafeRange>& safe) {
  manifest_ = other_ ? std::nullopt : read_manifest(text_.bytes());
  if (manifest_ && placed_)
    text_.vouch(direction, 0, text_.size(), masked_manifest(text_.bytes()), safe);
  drop();
}

std::optional<domain::ManifestStored> BlobWrite::answered(std::string_view message) {
  const auto digest = text_of(message, kAnswerDigest);
  if (!manifest_ || number_of(message, kAction) != kCommit || !base::is_digest(digest))
    return std::nullopt;
  domain::ManifestStored out;
  out.digest = digest;
  out.config = std::move(manifest_->config);
  out.manifests = std::move(manifest_->manifests);
  manifest_.reset();
  return out;
}

std::size_t BlobWrite::held_bytes() const {
  return text_.held_bytes() +
         (manifest_ ? manifest_->manifests.capacity() * (sizeof(std::string) + 72) : 0);
}

std::string masked_write_answer(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    if (field.varint &&
        (field.number == kAction || field.number == kAnswerOffset || field.number == kAnswerTotal))
      return std::string(value);
    return field.text && field.number == kAnswerDigest ? base::mask_text_same_length(value)
                                                       : blank(field);
  });
}

std::optional<domain::Arrival> arrival_of(std::string_view name) {
  using domain::Arrival;
  if (name.empty() || name.starts_with("manifest-") || name.starts_with("index-"))
    return std::nullopt;
  if (name.starts_with("tar-")) return Arrival::kLoad;
  if (name.starts_with("layer-") || name.starts_with("config-")) return Arrival::kPull;
  return Arrival::kImport;
}

}  // namespace kilnwatch::engine::containerd
