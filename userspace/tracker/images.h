// Images that builds of this host made or that came without one, and the names that reach them. A
// name means something in one store only; an id is the same image in all of them.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "domain/finding.h"

namespace kilnwatch::tracker {

// Fewer digits may as well be a name (moby: daemon/images/image.go, GetImage: names come first).
inline constexpr std::size_t kShortId = 12;
inline constexpr std::size_t kMaxImages = 4096;     // imported ones give way to built ones
inline constexpr std::size_t kMaxImageNames = 128;  // of one image: as many tags as a request has
inline constexpr domain::TimeNs kDeployWindow = 24ull * 3600 * 1'000'000'000;  // by default

// "docker.io/library/x:latest" of any short form; ids and digests stay as they are.
std::string normalise_image(const std::string& name);
// The same without tag and digest.
std::string repository_of(const std::string& name);
// Whether the list has the image under any of these forms.
bool has_image(const std::vector<std::string>& names, const std::string& name);

// How a store of images finds one by a short name.
enum class Names : std::uint8_t {
  kDocker,  // docker.io/library/x
  kPodman,  // localhost/x, what a build here is called, or docker.io/library/x
};

struct Made {
  domain::TimeNs time = 0;
  std::optional<domain::Build> build;  // none: imported
  domain::Image image;
  // Names that it had and that may name another image by now.
  std::vector<std::string> doubtful = {};
  std::vector<domain::Reason> reasons = {};  // what is notable of how it was made
  std::optional<domain::Import> import = {};
  std::string store = {};  // whose names it has
};

class Images {
 public:
  explicit Images(Names names = Names::kDocker) : names_(names) {}

  // How long after it came an image counts. May change at any time.
  void set_window(domain::TimeNs window) { window_ = window; }
  // A tag moves to the newest image of its store. Beyond kMaxImages the oldest is forgotten, an
  // import first.
  void add(Made made);
  // `source` now also goes by `tag`; whoever had that tag in this store has it no longer.
  void tag(const std::string& source, const std::string& tag, domain::TimeNs now,
           const std::string& store);
  // As dockerd resolves a reference (moby: daemon/images/image.go, GetImage): tag, then id or
  // digest, then a prefix of an id that only one image has. Null: neither built nor imported here.
  struct Found {
    const Made* made = nullptr;   // by a doubtful name: one that was built, if there is one
    bool certain = true;          // false: by a doubtful name, or by a few digits of its id
    const Made* other = nullptr;  // an import that the doubtful name may mean, too
  };
  Found find(const std::string& name, domain::TimeNs now, const std::string& store) const;
  // `import`: what the alert of it says; none: it is no import, or whether it came is not known.
  // `reasons`: what is notable of one that was not known before.
  void move(const domain::ImageMoved& moved, const std::string& store,
            const std::optional<domain::Import>& import = {},
            const std::vector<domain::Reason>& reasons = {});
  // A registry knows it by that digest since.
  void pushed(const domain::ImagePushed& pushed, const std::string& store);
  std::size_t size() const { return images_.size(); }
  // By its id. `store`: only if it was made or came there; null: wherever.
  const Made* find_id(const std::string& id, domain::TimeNs now,
                      const std::string* store = nullptr) const {
    const std::size_t at = by_id(id, now, store);
    return at == kNone ? nullptr : &images_[at];
  }
  // Names that an image has too many of.
  std::uint64_t refused() const { return refused_; }
  // Images that gave way to newer ones within the window.
  std::uint64_t forgotten() const { return forgotten_; }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  struct Place {
    std::size_t index = kNone;
    bool certain = true;
    std::size_t other = kNone;
  };
  Place locate(const std::string& name, domain::TimeNs now, const std::string& store) const;
  std::size_t by_id(const std::string& name, domain::TimeNs now, const std::string* store) const;
  std::size_t in_store(std::size_t at, const std::string& store, domain::TimeNs now);
  std::size_t moved_image(const domain::ImageMoved& moved, const std::string& store);
  std::string normal(const std::string& name) const;
  void make_room(domain::TimeNs now);
  void take_in(const domain::ImageMoved& moved, const domain::Import& import,
               const std::string& store, const std::vector<domain::Reason>& reasons);
  void name(Place at, const std::string& tag);
  void doubt(const domain::ImageMoved& moved, const std::string& store);
  void release(const std::string& normal_tag, const std::string& store);
  Names names_;
  bool is_live(const Made& made, domain::TimeNs now) const { return made.time + window_ >= now; }
  domain::TimeNs window_ = kDeployWindow;
  std::deque<Made> images_;  // oldest first
  std::uint64_t refused_ = 0;
  std::uint64_t forgotten_ = 0;
};

}  // namespace kilnwatch::tracker
