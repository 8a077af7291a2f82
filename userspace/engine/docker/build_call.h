// POST /build: parameters, context and output of one build.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/docker/build_output.h"
#include "engine/docker/build_trace.h"
#include "engine/docker/call.h"
#include "engine/docker/context.h"
#include "engine/gathered.h"

namespace kilnwatch::engine::docker {

class BuildCall final : public Call {
 public:
  BuildCall(const protocol::Head& head, domain::CallId id, Route route, const Scene& scene);
  // An answer whose request was not seen: a build once it carries a line of the builder's.
  BuildCall() : Call(Kind::kUnseen), announced_(true), unseen_(true) {}

  void request_body(const Scene& scene, std::uint64_t pos, std::string_view bytes) override;
  void request_hole(const Scene& scene, std::uint64_t count, bool lost) override;
  void request_end(const Scene& scene) override;
  void answer_head(const Scene& scene, std::uint32_t status) override;
  void answer_body(const Scene& scene, std::uint64_t pos, std::string_view bytes) override;
  void answer_hole(const Scene& scene, bool lost) override;
  void answer_end(const Scene& scene) override;
  void cut(const Scene& scene, Cut how) override;
  bool answer_is_own() const override { return output_.spoke() || trace_.spoke(); }
  std::optional<std::uint64_t> held(domain::Direction direction) const override;
  std::size_t held_bytes() const override;

 private:
  void announce(const Scene& scene, bool whole);  // whole: its form is
  void announce_buildkit(const protocol::Query& values, bool whole);
  void take_message(const Scene& scene, bool whole);
  void take_trace(const Scene& scene, bool whole);
  void meet(const Scene& scene);
  void tell(const Scene& scene, std::string_view reason);
  void unknown_end(const Scene& scene) const;
  domain::BuildEnded closed(const Scene& scene) const;

  domain::BuildRequested build_;
  protocol::Query query_;  // of the target
  std::string form_type_;  // Content-Type of a body that holds parameters
  Gathered form_;
  std::optional<ContextFront> context_;
  BuildOutput output_;
  BuildTrace trace_;
  Gathered message_;
  std::uint32_t status_ = 200;
  bool announced_ = false;
  bool unseen_ = false;     // not known to be a build
  bool suspected_ = false;  // it wrote what a step may have written
  bool cut_ = false;        // message_ is only the front of one
  bool resume_ = false;     // the next message begins behind bytes that were not seen
  bool told_ = false;       // that facts were lost
};

}  // namespace kilnwatch::engine::docker
