// The part of a multipart/form-data body that is the build's context (podman-remote 5.6 and later;
// podman: handlers/compat/images_build.go, handleBuildContexts).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/docker/context.h"
#include "engine/gathered.h"

namespace kilnwatch::engine::podman {

// As Go's mime/multipart reads parts, byte by byte: a delimiter is its line's end, two hyphens and
// the boundary. Only lines of delimiters and of parts' heads are kept, and the context's own front.
class MultipartFront {
 public:
  // `content_type`: the field's value.
  explicit MultipartFront(std::string_view content_type);

  void add(const docker::Scene& scene, std::uint64_t pos, std::string_view bytes,
           docker::ContextFront& context);
  void hole(const docker::Scene& scene, std::uint64_t count, docker::ContextFront& context);
  bool done() const { return state_ == State::kDone; }
  std::optional<std::uint64_t> held() const;
  std::size_t held_bytes() const {
    return line_.held_bytes() + boundary_.capacity() + delimiter_.capacity();
  }

 private:
  enum class State : std::uint8_t {
    kPreamble,  // lines before the first delimiter
    kHead,      // of a part
    kContent,
    kTail,  // of a delimiter's line
    kDone,
  };
  void take_line(const docker::Scene& scene);
  void keep_line(const docker::Scene& scene, bool all);
  std::size_t content(const docker::Scene& scene, std::uint64_t pos, std::string_view bytes,
                      docker::ContextFront& context);
  void finish(const docker::Scene& scene, docker::ContextFront& context);

  std::string boundary_;   // with its hyphens
  std::string delimiter_;  // with its line's end, as the first delimiter's line ends
  State state_ = State::kPreamble;
  Gathered line_;
  bool ours_ = false;            // the part is the context
  std::size_t matched_ = 0;      // bytes of a delimiter so far
  std::size_t assumed_ = 0;      // of them stand before the content
  std::uint64_t match_pos_ = 0;  // of the first byte that may begin a delimiter
};

}  // namespace kilnwatch::engine::podman
