// A blob on its way into containerd's content store (containerd: api/services/content/v1,
// plugins/services/content/contentserver): those that are manifests or indexes are read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/api_fact.h"
#include "engine/containerd/manifest.h"
#include "engine/gathered.h"

namespace kilnwatch::engine::containerd {

// The kernel side hands over as much of a stream. Manifests of images have some kilobytes.
inline constexpr std::size_t kMaxManifest = 65536;
inline constexpr std::size_t kMaxManifestPieces = 4096;  // stretches that one stands in

// One stream of Content/Write.
class BlobWrite {
 public:
  struct Request {
    std::string_view bytes;
    bool whole = true;
    const std::vector<protocol::Piece>& pieces;  // of `bytes`; empty: they cannot be vouched for
  };
  // How the client calls what it writes; empty: as before.
  std::string asked(const Request& request, domain::Direction direction,
                    std::vector<SafeRange>& safe);
  // What the engine says of it, masked; a manifest once it has taken it in. No time, no call.
  std::optional<domain::ManifestStored> answered(std::string_view message);
  // A manifest that was not seen whole: what names it, names something unknown.
  bool missed() const { return missed_; }
  // Where the first byte stands that may still be vouched for.
  std::optional<std::uint64_t> first_pos() const {
    return text_.empty() || !placed_ ? std::nullopt : std::optional(text_.first_pos());
  }
  std::size_t held_bytes() const;

 private:
  void take(std::string_view data, std::vector<protocol::Piece> places, domain::Direction direction,
            std::vector<SafeRange>& safe);
  void commit(domain::Direction direction, std::vector<SafeRange>& safe);
  void miss(std::string_view front, const std::vector<protocol::Piece>& places,
            domain::Direction direction, std::vector<SafeRange>& safe);
  void drop();

  Gathered text_;
  std::optional<Manifest> manifest_;
  bool placed_ = true;  // where all of it stands is known
  bool other_ = false;  // no manifest, or not all of one
  bool missed_ = false;
};

// WriteContentResponse: what may be recorded.
std::string masked_write_answer(std::string_view message);

// By which road an image comes whose content is written under that name (containerd: client import
// writes "tar-…", its fetcher "layer-…" and "config-…"); none: this name does not tell.
std::optional<domain::Arrival> arrival_of(std::string_view name);

}  // namespace kilnwatch::engine::containerd
