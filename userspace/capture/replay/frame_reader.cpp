#include "capture/replay/frame_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace kilnwatch::capture {
namespace {

constexpr std::string_view kMagic = "KWR1";
constexpr std::string_view kFrameMark = "\x28\xb5\x2f\xfd";  // RFC 8878, 3.1.1
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr int kWindowLog = 22;  // frames unpack to at most kMaxFrame

base::Error unreadable(const std::string& path, const std::string& why) {
  return {base::ErrorClass::kInput, "cannot read the recording " + path + ": " + why};
}

ssize_t read_some(int fd, char* to, std::size_t size) {
  for (;;) {
    const ssize_t n = ::read(fd, to, size);
    if (n >= 0 || errno != EINTR) return n;
  }
}

// Bytes of the varint, 0 when `text` ends within it, -1 when it is longer than any length here.
int get_varint(std::string_view text, std::size_t& value) {
  value = 0;
  for (int i = 0; i < 4; ++i) {
    if (static_cast<std::size_t>(i) >= text.size()) return 0;
    const auto byte = static_cast<unsigned char>(text[static_cast<std::size_t>(i)]);
    value |= static_cast<std::size_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) return i + 1;
  }
  return -1;
}

}  // namespace

void FrameReader::FreeContext::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

FrameReader::FrameReader(base::Fd fd) : fd_(std::move(fd)), zstd_(ZSTD_createDCtx()) {
  if (zstd_) ZSTD_DCtx_setParameter(zstd_.get(), ZSTD_d_windowLogMax, kWindowLog);
}

base::Result<FrameReader> FrameReader::open(const std::string& path) {
  base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return unreadable(path, std::strerror(errno));
  struct stat info {};
  if (::fstat(fd.get(), &info) == 0 && S_ISDIR(info.st_mode))
    return unreadable(path, "it is a directory");
  FrameReader reader(std::move(fd));
  if (!reader.zstd_) return unreadable(path, "out of memory");
  std::string error;
  while (reader.input_.size() < kMagic.size() && reader.refill(error)) {
  }
  if (!error.empty()) return unreadable(path, error);
  if (!reader.input_.starts_with(kMagic)) {
    return unreadable(path, "not a recording of kilnwatch (it does not begin with KWR1)");
  }
  reader.begin_ = reader.used_ = kMagic.size();
  return reader;
}

bool FrameReader::refill(std::string& error) {
  offset_ += begin_;
  input_.erase(0, begin_);
  used_ -= begin_;
  begin_ = 0;
  const std::size_t had = input_.size();
  input_.resize(had + kReadBytes);
  const ssize_t n = read_some(fd_.get(), input_.data() + had, kReadBytes);
  input_.resize(had + static_cast<std::size_t>(n > 0 ? n : 0));
  if (n < 0) error = std::strerror(errno);
  return n > 0;
}

std::string FrameReader::split(std::string_view frame, bool cut, std::vector<std::string>& out) {
  while (!frame.empty()) {
    std::size_t size = 0;
    const int prefix = get_varint(frame, size);
    if (prefix < 0 || size > kMaxMessage) return "a message longer than 1 MiB";
    if (prefix == 0 || frame.size() - static_cast<std::size_t>(prefix) < size) {
      return cut ? "" : "a message that ends behind its frame";
    }
    out.emplace_back(frame.substr(static_cast<std::size_t>(prefix), size));
    frame.remove_prefix(static_cast<std::size_t>(prefix) + size);
  }
  return {};
}

// Moves on to the next frame behind the first byte of the current one.
bool FrameReader::find_frame() {
  std::string ignored;
  for (std::size_t from = begin_ + 1;;) {
    const auto at = input_.find(kFrameMark, from);
    if (at != std::string::npos) {
      begin_ = used_ = at;
      ZSTD_DCtx_reset(zstd_.get(), ZSTD_reset_session_only);
      return true;
    }
    // A mark may lie across the end of what is read so far.
    const std::size_t tail = std::min(input_.size(), kFrameMark.size() - 1);
    begin_ = std::max(begin_, input_.size() - tail);
    used_ = begin_;
    from = 0;
    if (!refill(ignored)) return false;
  }
}

Frame FrameReader::next() {
  begin_ = used_;
  Frame frame = unpack();
  if (frame.damage.empty()) return frame;
  // Whole messages of a cut frame have no checksum: they count only when nothing follows.
  if (find_frame()) {
    frame.messages.clear();
  } else {
    begin_ = used_ = input_.size();
  }
  return frame;
}

Frame FrameReader::unpack() {
  Frame result;
  std::string frame;
  std::string error;
  const std::uint64_t start = offset_ + used_;
  const auto damaged = [&](const std::string& what) {
    result.damage = what + " in the frame at byte " + std::to_string(start);
    return std::move(result);
  };
  bool begun = false;
  bool full = false;  // the unpacker holds output that had no room yet
  for (;;) {
    if (!full && used_ == input_.size() && !refill(error)) {
      if (!error.empty()) return damaged(error);
      if (!begun) {
        result.end = true;
        return result;
      }
      const std::string what = split(frame, true, result.messages);
      return damaged(what.empty() ? "the file ends" : what);
    }
    begun = true;
    const std::size_t had = frame.size();
    if (had >= kMaxFrame || used_ - begin_ > kMaxFrame) return damaged("more than 2 MiB");
    frame.resize(had + ZSTD_DStreamOutSize());
    ZSTD_inBuffer in{input_.data(), input_.size(), used_};
    ZSTD_outBuffer to{frame.data(), frame.size(), had};
    std::size_t left = 0;
    do {
      left = ZSTD_decompressStream(zstd_.get(), &to, &in);
    } while (!ZSTD_isError(left) && left != 0 && in.pos < in.size && to.pos < to.size);
    full = to.pos == to.size;
    frame.resize(to.pos);
    used_ = in.pos;
    if (ZSTD_isError(left)) return damaged(ZSTD_getErrorName(left));
    if (left == 0) break;
  }
  const std::string what = split(frame, false, result.messages);
  return what.empty() ? std::move(result) : damaged(what);
}

}  // namespace kilnwatch::capture
