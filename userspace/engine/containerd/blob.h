// Blobs on their way into containerd's content store and out of it (containerd:
// api/services/content/v1, plugins/services/content/contentserver): those that are manifests or
// indexes are read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/api_fact.h"
#include "engine/containerd/manifest_text.h"

namespace kilnwatch::engine::containerd {

struct BlobMessage {
  std::string_view bytes;
  bool whole = true;
  const std::vector<protocol::Piece>& pieces;  // of `bytes`; empty: they cannot be vouched for
};

// One stream of Content/Write.
class BlobWrite {
 public:
  // How the client calls what it writes; empty: as before.
  std::string asked(const BlobMessage& request, std::vector<SafeRange>& safe);
  // What the engine says of it, masked; a manifest once it has taken it in. No time, no call.
  std::optional<domain::ManifestStored> answered(std::string_view message);
  // A manifest that was not seen whole: what names it, names something unknown.
  bool missed() const { return text_.missed(); }
  // Where the first byte stands that may still be vouched for.
  std::optional<std::uint64_t> first_pos() const { return text_.first_pos(); }
  std::size_t held_bytes() const;

 private:
  ManifestText text_{domain::Direction::kRequest};
  std::optional<Manifest> manifest_;
};

// One stream of Content/Read: content has its digest for a name, so what is read under it tells as
// much as what was written.
class BlobRead {
 public:
  // A request that was not read to its end may ask for another part than it seems to.
  void asked(const BlobMessage& request);
  void answered(const BlobMessage& answer, std::vector<SafeRange>& safe);
  // A part of the answers was not seen.
  void torn();
  // That was all: a manifest that was read from its first byte on. No time, no call.
  std::optional<domain::ManifestStored> end(std::vector<SafeRange>& safe);
  // As of BlobWrite; among the answers.
  std::optional<std::uint64_t> first_pos() const { return text_.first_pos(); }
  std::size_t held_bytes() const { return text_.held_bytes(); }

 private:
  ManifestText text_{domain::Direction::kResponse};
  std::string digest_;
};

// WriteContentResponse, ReadContentRequest: what may be recorded.
std::string masked_write_answer(std::string_view message);
std::string masked_read(std::string_view message);

// By which road an image comes whose content is written under that name (containerd: client import
// writes "tar-…", its fetcher "layer-…" and "config-…"); none: this name does not tell.
std::optional<domain::Arrival> arrival_of(std::string_view name);

}  // namespace kilnwatch::engine::containerd
