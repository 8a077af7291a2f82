// Calls by which a reference comes to name another image than before: pull, load, import, commit;
// and push, which says by which digest an image is known elsewhere.
#pragma once

#include <string>

#include "engine/docker/call.h"
#include "engine/gathered.h"

namespace kilnwatch::engine::docker {

// The reference of a request: `name` with `tag`, which may be a digest and wins over a tag in the
// name (moby: daemon/server/httputils, RepoTagReference; image_routes.go).
std::string reference_of(std::string_view name, std::string_view tag);

// The answers are streams of JSON messages, one a line; only these say what was done. A message
// that is too long to be read is none of those.
class ImageCall final : public Call {
 public:
  ImageCall(const protocol::Head& head, domain::CallId id, const Route& route);
  void answer_head(const Scene&, std::uint32_t status) override { status_ = status; }
  void answer_body(const Scene& scene, std::uint64_t pos, std::string_view bytes) override;
  void answer_hole(const Scene& scene, bool lost) override;
  void answer_end(const Scene& scene) override;
  void cut(const Scene& scene, Cut how) override;
  std::optional<std::uint64_t> held(domain::Direction direction) const override;
  std::size_t held_bytes() const override;

 private:
  void take_message(const Scene& scene);
  bool read(const Scene& scene, std::string& reference);
  bool status_line(const std::string& text);
  bool loaded(const Scene& scene, std::string_view text, std::string& reference);
  bool pushed(const Scene& scene, std::string_view text) const;
  void tell(const Scene& scene, std::string_view reference, bool certain) const;
  void tell_unseen(const Scene& scene, std::string_view reference) const;
  void finish(const Scene& scene);
  domain::Arrival arrival() const;

  domain::CallId id_;
  domain::ImageRequest request_;
  std::string reference_;  // that the request names; empty: none
  bool all_tags_ = false;  // a pull of a whole repository
  std::uint32_t status_ = 0;
  Gathered message_;
  bool long_ = false;        // the message does not fit
  bool lost_ = false;        // bytes of the answer
  bool cut_ = false;         // the connection was over before it
  bool failed_ = false;      // the engine says so
  bool up_to_date_ = false;  // a pull changed nothing
  bool newer_ = false;       // a pull moved the name
  std::string image_;
  std::string renamed_;  // load: took this name from another image
};

}  // namespace kilnwatch::engine::docker
