// The front of a build context: the Dockerfile out of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/docker/call.h"
#include "engine/gathered.h"

namespace kilnwatch::engine::docker {

inline constexpr std::size_t kMaxContextFront = 65536;     // bytes of a context looked at, as sent
inline constexpr std::size_t kMaxUnpackedFront = 1 << 20;  // and unpacked

// A Dockerfile that is larger than the front or stands behind it stays unknown: base images then
// come from the builder's own lines.
class ContextFront {
 public:
  // `names`: of the Dockerfile, the first one that is there counts.
  ContextFront(domain::CallId id, std::vector<std::string> names)
      : id_(id), names_(std::move(names)) {}
  // moby withDockerfileFromContext: `name` is the request's dockerfile parameter; only the default
  // name falls back to lower case.
  static std::vector<std::string> dockers(std::string name) {
    return name.empty() ? std::vector<std::string>{"Dockerfile", "dockerfile"}
                        : std::vector<std::string>{std::move(name)};
  }

  void add(const Scene& scene, std::uint64_t pos, std::string_view bytes);
  void hole(const Scene& scene, std::uint64_t count);
  void finish(const Scene& scene);  // nothing more is to come
  bool wanted() const { return wanted_; }
  // Where the first byte stands that may still be vouched for.
  std::optional<std::uint64_t> held() const {
    if (!safe_.empty()) return safe_.front().pos;
    if (front_.empty()) return std::nullopt;
    return front_.first_pos();
  }
  std::size_t held_bytes() const {
    std::size_t sum = front_.held_bytes();
    for (const auto& name : names_) sum += name.capacity();
    // Its instructions say the text once more.
    if (found_) sum += 2 * found_->text.capacity();
    for (const auto& range : safe_) sum += sizeof(range) + range.bytes.capacity();
    return sum;
  }

 private:
  bool ended();
  void look();

  domain::CallId id_;
  std::vector<std::string> names_;
  Gathered front_;
  std::optional<domain::DockerfileSeen> found_;  // the last one so far: a later member overwrites
  std::vector<SafeRange> safe_;                  // its place
  std::optional<std::size_t> end_;               // of the archive, in front_
  std::uint64_t passed_ = 0;                     // bytes of the context so far, seen or not
  bool holed_ = false;                           // bytes were left out
  bool wanted_ = true;
};

}  // namespace kilnwatch::engine::docker
