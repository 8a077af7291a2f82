// A build whose answer is a stream of its builder's messages: the answer's side of it.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/docker/build_output.h"
#include "engine/docker/call.h"
#include "engine/docker/context.h"
#include "engine/docker/message_lines.h"

namespace kilnwatch::engine::docker {

inline constexpr std::size_t kMaxNames = 128;  // tags, build-arg names kept

// mime.ParseMediaType: the type alone, in lower case.
std::string media_type(std::string_view field);

class StreamedBuild : public Call {
 public:
  // `unseen`: an answer whose request was not seen: a build once it carries a line of the
  // builder's.
  StreamedBuild(std::unique_ptr<BuildOutput> output, bool unseen)
      : Call(unseen ? Kind::kUnseen : Kind::kBuild), output_(std::move(output)), unseen_(unseen) {}

  void answer_head(const Scene& scene, std::uint32_t status) override;
  void answer_body(const Scene& scene, std::uint64_t pos, std::string_view bytes) override;
  void answer_hole(const Scene& scene, bool lost) override;
  void answer_end(const Scene& scene) override;
  void cut(const Scene& scene, Cut how) override;
  bool answer_is_own() const override { return output_->spoke(); }
  std::optional<std::uint64_t> held(domain::Direction direction) const override;
  std::size_t held_bytes() const override;

 protected:
  // What the head of a request says of its client.
  void begin(const protocol::Head& head, domain::CallId id, const Route& route, const Scene& scene);
  // build_ goes out; what is told is not kept: it may be large.
  void tell_request(const Scene& scene);
  // A build whose request was not seen.
  void meet(const Scene& scene);
  void tell(const Scene& scene, std::string_view reason);  // facts of it were lost, once
  bool unseen() const { return unseen_; }                  // not known to be a build

  domain::BuildRequested build_;
  std::optional<ContextFront> context_;

 private:
  // The request is as good as over: `whole`, or its rest does not matter or will not come.
  virtual void settle_request(const Scene& scene, bool whole) = 0;
  // A message that is none of the builder's lines. True: it was read.
  virtual bool take_other(const Scene&, Gathered&, bool /*whole*/) { return false; }
  virtual void restart_answer() {}
  // Before the build is met by this message.
  virtual void met_by(std::string_view /*message*/) {}

  void take_message(const Scene& scene, Gathered& message, bool whole);
  void unknown_end(const Scene& scene) const;
  domain::BuildEnded closed(const Scene& scene) const;

  std::unique_ptr<BuildOutput> output_;
  MessageLines lines_;
  std::uint32_t status_ = 200;
  bool unseen_;
  bool suspected_ = false;  // it wrote what a step may have written
  bool told_ = false;       // that facts were lost
};

}  // namespace kilnwatch::engine::docker
