#include "engine/containerd/manifest_text.h"

#include <algorithm>
#include <utility>

namespace kilnwatch::engine::containerd {
namespace {

constexpr std::size_t kFront = 4096;  // bytes that tell a manifest

}  // namespace

void ManifestText::begin() {
  text_.clear();
  other_ = false;
  placed_ = true;
}

void ManifestText::take(std::string_view data, std::vector<protocol::Piece> places,
                        std::vector<SafeRange>& safe) {
  if (other_) return;
  if (text_.size() + data.size() > kMaxManifest ||
      text_.pieces() + places.size() > kMaxManifestPieces) {
    if (text_.empty()) {
      miss(data.substr(0, kFront), protocol::stretch(places, 0, kFront), safe);
    } else if (const auto front = text_.bytes().substr(0, kFront); may_be_manifest(front)) {
      missed_ = true;
      if (placed_) text_.vouch(direction_, 0, front.size(), masked_manifest(front), safe);
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

void ManifestText::cut(std::string_view front, const std::vector<protocol::Piece>& places,
                       std::vector<SafeRange>& safe) {
  if (text_.empty() && !other_) miss(front, places, safe);
  drop();
}

// Of a manifest that is not read the front says that it is one, in a recording, too.
void ManifestText::miss(std::string_view front, const std::vector<protocol::Piece>& places,
                        std::vector<SafeRange>& safe) {
  if (!may_be_manifest(front)) return;
  missed_ = true;
  vouch(direction_, places, masked_manifest(front), safe);
}

void ManifestText::drop() {
  other_ = true;
  text_.clear();
}

std::optional<Manifest> ManifestText::finish(std::vector<SafeRange>& safe) {
  auto manifest = other_ ? std::nullopt : read_manifest(text_.bytes());
  if (manifest && placed_)
    text_.vouch(direction_, 0, text_.size(), masked_manifest(text_.bytes()), safe);
  drop();
  return manifest;
}

}  // namespace kilnwatch::engine::containerd
