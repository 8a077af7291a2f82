// Calls by which a reference comes to name another image, by podman's API: pull, load, import,
// commit.
#pragma once

#include <string>
#include <vector>

#include "engine/docker/call.h"
#include "engine/docker/message_lines.h"
#include "engine/podman/route.h"

namespace kilnwatch::engine::podman {

// podman says what it did in one JSON value, the last one where there are several: ids and names
// (handlers/compat/images.go, handlers/libpod/images.go, images_pull.go, handlers/utils/images.go).
class ImageCall final : public docker::Call {
 public:
  ImageCall(domain::CallId id, const Route& route);
  void answer_head(const docker::Scene&, std::uint32_t status) override { status_ = status; }
  void answer_body(const docker::Scene& scene, std::uint64_t pos, std::string_view bytes) override;
  void answer_hole(const docker::Scene& scene, bool lost) override;
  void answer_end(const docker::Scene& scene) override;
  void cut(const docker::Scene& scene, docker::Cut how) override;
  std::optional<std::uint64_t> held(domain::Direction direction) const override;
  std::size_t held_bytes() const override;

 private:
  void take_message(const docker::Scene& scene, Gathered& message, bool whole);
  bool read(std::string_view json);
  void tell(const docker::Scene& scene, std::string_view reference, bool certain) const;
  void finish(const docker::Scene& scene, bool over);

  domain::CallId id_;
  std::string reference_;  // that the request names; empty: none
  bool all_tags_ = false;
  std::uint32_t status_ = 0;
  docker::MessageLines lines_;
  bool lost_ = false;
  bool failed_ = false;             // podman says so
  bool done_ = false;               // podman says so
  std::string image_;               // "sha256:<64 hex>"; empty: not told
  std::vector<std::string> names_;  // that were loaded
};

}  // namespace kilnwatch::engine::podman
