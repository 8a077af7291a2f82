// The file of a recording → its messages, frame by frame (layout: recording.proto).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

struct ZSTD_DCtx_s;

namespace kilnwatch::capture {

inline constexpr std::size_t kMaxMessage = std::size_t{1} << 20;
inline constexpr std::size_t kMaxFrame = std::size_t{2} << 20;  // unpacked

// Messages of one frame.
struct Frame {
  std::vector<std::string> messages;
  std::string damage;  // not empty: what is wrong with it and where, in bytes of the file
  bool end = false;    // nothing is left
};

class FrameReader {
 public:
  // ErrorClass::kInput: cannot be opened, or is no recording.
  static base::Result<FrameReader> open(const std::string& path);

  // A damaged frame gives no message: none of it can be trusted. What follows is looked for by the
  // mark that every frame begins with. One that the file's end cuts off gives those that are whole.
  Frame next();

 private:
  struct FreeContext {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  explicit FrameReader(base::Fd fd);
  bool refill(std::string& error);
  Frame unpack();
  bool find_frame();
  // Empty, or what is wrong.
  static std::string split(std::string_view frame, bool cut, std::vector<std::string>& out);

  base::Fd fd_;
  std::unique_ptr<ZSTD_DCtx_s, FreeContext> zstd_;
  std::string input_;
  std::size_t begin_ = 0;     // of the current frame in input_; what is before it may go
  std::size_t used_ = 0;      // of input_
  std::uint64_t offset_ = 0;  // of input_'s first byte in the file
};

}  // namespace kilnwatch::capture
