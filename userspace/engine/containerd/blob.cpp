#include "engine/containerd/blob.h"

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
// ReadContentRequest, ReadContentResponse
constexpr std::uint32_t kReadDigest = 1, kReadOffset = 2, kReadSize = 3;
constexpr std::uint32_t kReadPlace = 1, kReadData = 2;
constexpr std::uint64_t kCommit = 2;

std::string masked_request(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    if (field.varint &&
        (field.number == kAction || field.number == kTotal || field.number == kOffset))
      return std::string(value);
    const bool keep = field.text && (field.number == kRef || field.number == kExpected);
    return keep ? base::mask_text_same_length(value) : blank(field);
  });
}

std::string masked_place(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    return field.varint && field.number == kReadPlace ? std::string(value) : blank(field);
  });
}

// The field of a message that holds a part of the blob, and all around it.
struct Parts {
  Field data;
  unsigned datas = 0;
  std::string_view cut;  // of a message that ends in it: what there is
  bool whole = true;
};

Parts parts_of(const BlobMessage& message, std::uint32_t number) {
  Parts out;
  Fields fields(message.bytes);
  Field field;
  while (fields.next(field)) {
    if (!field.text || field.number != number) continue;
    out.data = field;
    ++out.datas;
  }
  out.whole = message.whole && fields.whole();
  if (fields.cut_in() == number) out.cut = fields.cut();
  return out;
}

// What stands around the part is vouched for as masked; the part goes to `text`.
void take(const BlobMessage& message, const Parts& parts, std::string_view masked,
          ManifestText& text, domain::Direction direction, std::vector<SafeRange>& safe) {
  const auto place = [&message](std::size_t from, std::size_t size) {
    return protocol::stretch(message.pieces, from, size);
  };
  if (parts.datas > 1) text.drop();  // the last one counts; nobody writes two
  const auto& data = parts.data;
  const auto end = parts.datas > 0 ? data.at + data.size : 0;
  if (parts.datas > 0) {
    vouch(direction, place(0, data.at), masked.substr(0, data.at), safe);
    text.take(message.bytes.substr(data.at, data.size), place(data.at, data.size), safe);
  }
  if (masked.size() > end)
    vouch(direction, place(end, masked.size() - end), masked.substr(end), safe);
  if (parts.whole) return;
  text.cut(parts.cut, place(message.bytes.size() - parts.cut.size(), parts.cut.size()), safe);
}

domain::ManifestStored stored(std::string digest, Manifest manifest) {
  domain::ManifestStored out;
  out.digest = std::move(digest);
  out.config = std::move(manifest.config);
  out.manifests = std::move(manifest.manifests);
  out.whole = manifest.whole;
  return out;
}

}  // namespace

std::string BlobWrite::asked(const BlobMessage& request, std::vector<SafeRange>& safe) {
  const auto message = request.bytes;
  const auto action = number_of(message, kAction), offset = number_of(message, kOffset);
  // A writer that names no place begins again (contentserver: Truncate).
  if (action != 0 && offset == 0) {
    text_.begin();
  } else if (action != 0 && offset != text_.size()) {
    text_.drop();
  }
  take(request, parts_of(request, kData), masked_request(message), text_,
       domain::Direction::kRequest, safe);
  if (action == kCommit) manifest_ = text_.finish(safe);
  return base::mask_text(text_of(message, kRef));
}

std::optional<domain::ManifestStored> BlobWrite::answered(std::string_view message) {
  const auto digest = text_of(message, kAnswerDigest);
  if (!manifest_ || number_of(message, kAction) != kCommit || !base::is_digest(digest))
    return std::nullopt;
  auto out = stored(digest, std::move(*manifest_));
  manifest_.reset();
  return out;
}

std::size_t BlobWrite::held_bytes() const {
  return text_.held_bytes() +
         (manifest_ ? manifest_->manifests.capacity() * (sizeof(std::string) + 72) : 0);
}

void BlobRead::asked(const BlobMessage& request) {
  digest_ = text_of(request.bytes, kReadDigest);
  if (!request.whole || !is_whole(request.bytes) || !base::is_digest(digest_) ||
      number_of(request.bytes, kReadOffset) != 0)
    text_.drop();
}

void BlobRead::answered(const BlobMessage& answer, std::vector<SafeRange>& safe) {
  if (number_of(answer.bytes, kReadPlace) != text_.size()) text_.drop();
  take(answer, parts_of(answer, kReadData), masked_place(answer.bytes), text_,
       domain::Direction::kResponse, safe);
}

void BlobRead::torn() { text_.drop(); }

std::optional<domain::ManifestStored> BlobRead::end(std::vector<SafeRange>& safe) {
  auto manifest = text_.finish(safe);
  if (!manifest || !base::is_digest(digest_)) return std::nullopt;
  return stored(digest_, std::move(*manifest));
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

std::string masked_read(std::string_view message) {
  return rewritten(message, [](const Field& field, std::string_view value) {
    if (field.varint && (field.number == kReadOffset || field.number == kReadSize))
      return std::string(value);
    return field.text && field.number == kReadDigest ? base::mask_text_same_length(value)
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
