// What podman's builder writes (buildah: imagebuildah/executor.go, stage_executor.go; podman:
// pkg/api/handlers/compat/images_build.go).
#pragma once

#include "engine/docker/build_output.h"

namespace kilnwatch::engine::podman {

// "[1/2] STEP 2/3: RUN …", "--> <12 hex>", "--> Using cache <64 hex>", "COMMIT <name>",
// "Successfully tagged <name>"; in the end the image's id, by the compat API as dockerd says it, by
// podman's own as 64 digits alone. A step's own output travels in messages of the same form; `aux`
// and errors are podman's.
class BuildOutput final : public docker::BuildOutput {
 public:
  std::unique_ptr<docker::BuildOutput> fresh() const override {
    return std::make_unique<BuildOutput>();
  }

 private:
  bool line(std::string_view text, const std::string& aux, domain::TimeNs time, domain::CallId call,
            std::vector<domain::ApiFact>& facts) override;
  bool is_builders(std::string_view error) const override;
};

}  // namespace kilnwatch::engine::podman
