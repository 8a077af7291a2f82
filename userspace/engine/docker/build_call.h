// POST /build: parameters, context and output of one build.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/docker/build_trace.h"
#include "engine/docker/streamed_build.h"
#include "engine/gathered.h"

namespace kilnwatch::engine::docker {

class BuildCall final : public StreamedBuild {
 public:
  BuildCall(const protocol::Head& head, domain::CallId id, Route route, const Scene& scene);
  // An answer whose request was not seen.
  BuildCall() : StreamedBuild(std::make_unique<BuildOutput>(), true), announced_(true) {}

  void request_body(const Scene& scene, std::uint64_t pos, std::string_view bytes) override;
  void request_hole(const Scene& scene, std::uint64_t count, bool lost) override;
  void request_end(const Scene& scene) override;
  bool answer_is_own() const override { return StreamedBuild::answer_is_own() || trace_.spoke(); }
  std::optional<std::uint64_t> held(domain::Direction direction) const override;
  std::size_t held_bytes() const override;

 private:
  void settle_request(const Scene& scene, bool whole) override { announce(scene, whole); }
  bool take_other(const Scene& scene, Gathered& message, bool whole) override;
  void restart_answer() override { trace_.restart(); }
  void met_by(std::string_view message) override;

  void announce(const Scene& scene, bool whole);  // whole: its form is
  void announce_buildkit(const protocol::Query& values, bool whole);

  protocol::Query query_;  // of the target
  std::string form_type_;  // Content-Type of a body that holds parameters
  Gathered form_;
  BuildTrace trace_;
  bool announced_ = false;
};

}  // namespace kilnwatch::engine::docker
