// The file of a recording: messages into checksummed zstd frames (layout: recording.proto).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "domain/types.h"
#include "kilnwatch/v1/recording.pb.h"

struct ZSTD_CCtx_s;

namespace kilnwatch::record {

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::size_t kMaxMessage = std::size_t{1} << 20;   // readers refuse longer ones
inline constexpr std::size_t kFrameBytes = std::size_t{64} << 10;  // unpacked: what a kill may cost
inline constexpr domain::TimeNs kFrameTime = 1'000'000'000;        // event time: the same
inline constexpr std::uint64_t kDefaultFileBytes = std::uint64_t{256} << 20;

struct FileStats {
  std::uint64_t written = 0;   // messages handed to the file
  std::uint64_t left_out = 0;  // messages refused: size cap, write error, longer than kMaxMessage
  std::uint64_t bytes = 0;     // size of the file
};

class RecordingFile {
 public:
  // Opens for writing, mode 0600, empties what was there. Refuses symbolic links, files of other
  // users and what is no regular file. ErrorClass::kEnvironment with path and remedy.
  static base::Result<RecordingFile> create(const std::string& path,
                                            const recording::v1::Header& header,
                                            std::uint64_t max_bytes = kDefaultFileBytes);

  // Never fails at once: the first error is kept for finish(), what comes after is counted.
  void append(const recording::v1::Record& record);
  // Event time passes: a frame older than kFrameTime goes to the file.
  void advance(domain::TimeNs now);
  // Writes what is buffered and closes. kEnvironment: the first write error, or the cap was met.
  base::Status finish();
  const FileStats& stats() const { return stats_; }
  // At the cap or after an error: nothing more is written.
  bool stopped() const { return stopped_; }

 private:
  struct FreeContext {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  RecordingFile(base::Fd fd, std::string path, std::uint64_t max_bytes);
  bool add(const std::string& message);
  void flush();
  void stop(std::string why);

  base::Fd fd_;
  std::string path_;
  std::uint64_t max_bytes_;
  std::unique_ptr<ZSTD_CCtx_s, FreeContext> zstd_;
  std::string frame_;
  std::uint64_t frame_messages_ = 0;
  domain::TimeNs frame_start_ = 0;
  bool stopped_ = false;
  std::string why_;
  FileStats stats_;
};

}  // namespace kilnwatch::record
