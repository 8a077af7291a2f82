#include "record/recording_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace kilnwatch::record {
namespace {

constexpr std::string_view kMagic = "KWR1";
constexpr int kLevel = 3;

base::Error refused(const std::string& path, const std::string& why) {
  return {base::ErrorClass::kEnvironment, "cannot write the recording " + path + ": " + why};
}

void put_varint(std::string& out, std::size_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>((value & 0x7f) | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// 0, or errno.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

}  // namespace

void RecordingFile::FreeContext::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

RecordingFile::RecordingFile(base::Fd fd, std::string path, std::uint64_t max_bytes)
    : fd_(std::move(fd)), path_(std::move(path)), max_bytes_(max_bytes), zstd_(ZSTD_createCCtx()) {}

base::Result<RecordingFile> RecordingFile::create(const std::string& path,
                                                  const recording::v1::Header& header,
                                                  std::uint64_t max_bytes) {
  // O_NONBLOCK: a FIFO at this path must not hang the sensor.
  base::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
  if (!fd) {
    if (errno == ELOOP) return refused(path, "it is a symbolic link; name the file itself");
    return refused(path, std::strerror(errno));
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return refused(path, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return refused(path, "not a regular file; name a new file");
  if (info.st_uid != ::geteuid() || info.st_nlink != 1) {
    return refused(path, "it belongs to another user or has a second name; name a new file");
  }
  if (::fchmod(fd.get(), 0600) != 0 || ::ftruncate(fd.get(), 0) != 0) {
    return refused(path, std::strerror(errno));
  }
  RecordingFile file(std::move(fd), path, max_bytes);
  if (!file.zstd_) return refused(path, "out of memory");
  ZSTD_CCtx_setParameter(file.zstd_.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(file.zstd_.get(), ZSTD_c_checksumFlag, 1);
  if (const int error = write_all(file.fd_.get(), kMagic); error != 0) {
    return refused(path, std::strerror(error));
  }
  file.stats_.bytes = kMagic.size();
  file.add(header.SerializeAsString());
  file.flush();  // a recording that is killed early is one already
  if (file.stopped_) return refused(path, file.why_);
  file.stats_.written = 0;  // the header is no record
  return file;
}

bool RecordingFile::add(const std::string& message) {
  if (stopped_ || message.size() > kMaxMessage) {
    ++stats_.left_out;
    return false;
  }
  put_varint(frame_, message.size());
  frame_ += message;
  ++frame_messages_;
  return true;
}

void RecordingFile::append(const recording::v1::Record& record) {
  const bool first = frame_.empty();
  if (!add(record.SerializeAsString())) return;
  if (first) frame_start_ = record.time_ns();
  if (frame_.size() >= kFrameBytes) flush();
}

void RecordingFile::advance(domain::TimeNs now) {
  if (!frame_.empty() && now > frame_start_ && now - frame_start_ >= kFrameTime) flush();
}

void RecordingFile::stop(std::string why) {
  stopped_ = true;
  why_ = std::move(why);
  stats_.left_out += frame_messages_;
  frame_.clear();
  frame_messages_ = 0;
}

void RecordingFile::flush() {
  if (frame_.empty() || stopped_) return;
  std::string packed(ZSTD_compressBound(frame_.size()), '\0');
  const std::size_t size =
      ZSTD_compress2(zstd_.get(), packed.data(), packed.size(), frame_.data(), frame_.size());
  if (ZSTD_isError(size)) return stop(ZSTD_getErrorName(size));
  if (stats_.bytes + size > max_bytes_) {
    return stop("its size cap of " + std::to_string(max_bytes_) +
                " bytes is reached (--record-limit raises it)");
  }
  packed.resize(size);
  if (const int error = write_all(fd_.get(), packed); error != 0) return stop(std::strerror(error));
  stats_.bytes += size;
  stats_.written += frame_messages_;
  frame_.clear();
  frame_messages_ = 0;
}

base::Status RecordingFile::finish() {
  flush();
  // A full quota may show only here.
  if (fd_ && ::fsync(fd_.get()) != 0 && errno != EINVAL && !stopped_) stop(std::strerror(errno));
  fd_.reset();
  const bool failed = stopped_;
  stopped_ = true;
  if (!failed) return base::Done{};
  return base::Error{base::ErrorClass::kEnvironment,
                     "the recording " + path_ + " is not complete: " + why_ + "; the " +
                         std::to_string(stats_.written) + " records before that are whole, " +
                         std::to_string(stats_.left_out) + " are left out"};
}

}  // namespace kilnwatch::record
