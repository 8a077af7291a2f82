// Images that builds of this host made, and the names that reach them.
#pragma once

#include <deque>
#include <string>

#include "domain/finding.h"

namespace kilnwatch::tracker {

inline constexpr std::size_t kMaxImages = 4096;
inline constexpr domain::TimeNs kDeployWindow = 24ull * 3600 * 1'000'000'000;  // design §4.3

// "docker.io/library/x:latest" of any short form; ids and digests stay as they are.
std::string normalise_image(const std::string& name);

struct Made {
  domain::TimeNs time = 0;
  domain::Build build;
  domain::Image image;
};

class Images {
 public:
  // A tag moves to the newest image. Beyond kMaxImages the oldest is forgotten.
  void add(Made made);
  // `source` now also goes by `tag`; whoever had that tag has it no longer.
  void tag(const std::string& source, const std::string& tag, domain::TimeNs now);
  // As dockerd resolves a reference (moby: daemon/images/image.go, GetImage): tag, then id or
  // digest, then a prefix of an id that only one image has. Null: no image built here.
  const Made* find(const std::string& name, domain::TimeNs now) const {
    const std::size_t at = locate(name, now);
    return at == kNone ? nullptr : &images_[at];
  }
  std::size_t size() const { return images_.size(); }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t locate(const std::string& name, domain::TimeNs now) const;
  void release(const std::string& normal_tag);
  std::deque<Made> images_;  // oldest first
};

}  // namespace kilnwatch::tracker
