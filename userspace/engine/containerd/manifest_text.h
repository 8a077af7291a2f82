// A blob that comes in pieces: whether it is a manifest or an index, and what it says then.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "domain/event.h"
#include "engine/containerd/manifest.h"
#include "engine/gathered.h"

namespace kilnwatch::engine::containerd {

// The kernel side hands over as much of a stream. Manifests of images have some kilobytes.
inline constexpr std::size_t kMaxManifest = 65536;
inline constexpr std::size_t kMaxManifestPieces = 4096;  // stretches that one stands in

class ManifestText {
 public:
  explicit ManifestText(domain::Direction direction) : direction_(direction) {}

  // From its first byte on, again.
  void begin();
  // What comes next, and where it stands; no places: they are not known.
  void take(std::string_view data, std::vector<protocol::Piece> places,
            std::vector<SafeRange>& safe);
  // Of what comes next only the front is known: nothing is read of this blob any more.
  void cut(std::string_view front, const std::vector<protocol::Piece>& places,
           std::vector<SafeRange>& safe);
  // Not all of it is known from here on.
  void drop();
  // That was all.
  std::optional<Manifest> finish(std::vector<SafeRange>& safe);

  std::size_t size() const { return text_.size(); }
  // It is a manifest, and was not seen whole.
  bool missed() const { return missed_; }
  // Where the first byte stands that may still be vouched for.
  std::optional<std::uint64_t> first_pos() const {
    return text_.empty() || !placed_ ? std::nullopt : std::optional(text_.first_pos());
  }
  std::size_t held_bytes() const { return text_.held_bytes(); }

 private:
  void miss(std::string_view front, const std::vector<protocol::Piece>& places,
            std::vector<SafeRange>& safe);

  domain::Direction direction_;
  Gathered text_;
  bool placed_ = true;  // where all of it stands is known
  bool other_ = false;  // no manifest, or not all of one
  bool missed_ = false;
};

}  // namespace kilnwatch::engine::containerd
