// A build by podman's API: parameters, context and output.
#pragma once

#include <optional>
#include <string_view>

#include "engine/docker/streamed_build.h"
#include "engine/podman/multipart.h"
#include "engine/podman/route.h"

namespace kilnwatch::engine::podman {

// Parameters stand in the query alone (Request.URL.Query), whatever the body is; that is an
// archive, or parts of which one is.
class BuildCall final : public docker::StreamedBuild {
 public:
  BuildCall(const protocol::Head& head, domain::CallId id, const Route& route,
            const docker::Scene& scene);
  BuildCall();  // an answer whose request was not seen

  void request_body(const docker::Scene& scene, std::uint64_t pos, std::string_view bytes) override;
  void request_hole(const docker::Scene& scene, std::uint64_t count, bool lost) override;
  void request_end(const docker::Scene& scene) override;
  std::optional<std::uint64_t> held(domain::Direction direction) const override;
  std::size_t held_bytes() const override;

 private:
  void settle_request(const docker::Scene&, bool) override {}  // told from the head on
  void read_query(const Route& route);

  std::vector<std::string> names_;  // of the Dockerfile in its context; empty: it is elsewhere
  std::optional<MultipartFront> parts_;
};

}  // namespace kilnwatch::engine::podman
