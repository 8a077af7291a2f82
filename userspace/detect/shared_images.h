// What is told to other hosts of images that were built here, and how far that is done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "detect/chains.h"
#include "detect/image_note.h"
#include "fleet/fleet.h"

namespace kilnwatch::detect {

inline constexpr std::size_t kMaxSharedBuilds = 4096;
inline constexpr std::size_t kMaxBuiltNames = 16;  // ids, digests and names of one build's images

class SharedImages {
 public:
  // Null: nothing is told. `host`: the name that others know this one by.
  void join(fleet::Fleet* fleet, std::string host, std::uint64_t wall_offset) {
    fleet_ = fleet;
    host_ = std::move(host);
    wall_offset_ = wall_offset;
  }
  // `image`: its id, its digest, and the name that a registry has for it, as far as known.
  void built(const domain::Build& build, const domain::Image& image, domain::TimeNs now);
  // Where there is more to tell than before; also of a build that is over, whose last connection
  // may be judged after its end. `story` null: nothing.
  void tell(const std::string& build, const Story* story);

  // Names of images, for want of room.
  std::uint64_t refused() const { return refused_; }

 private:
  struct Shared {
    domain::Build build;
    std::map<std::string, std::size_t> names;  // and the hash of what was told under it; 0: nothing
  };
  fleet::Fleet* fleet_ = nullptr;
  std::string host_;
  std::uint64_t wall_offset_ = 0;
  std::map<std::string, Shared> builds_;  // by id
  std::deque<std::string> order_;         // oldest first
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::detect
