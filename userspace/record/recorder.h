// Writes a recording behind the parsers: every event in order, but of the bytes of a connection
// only those that a parser vouched for; everything else becomes a length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "base/result.h"
#include "domain/event.h"
#include "domain/fleet_answered.h"
#include "domain/host.h"
#include "engine/conversation.h"
#include "record/recording_file.h"
#include "record/safe_ranges.h"

namespace kilnwatch::record {

inline constexpr domain::TimeNs kMaxWait = 10'000'000'000;    // a parser may wait for more bytes
inline constexpr domain::TimeNs kCloseGrace = 1'000'000'000;  // data may arrive behind its close
// Events and vouched bytes that wait; beyond it the oldest are written as they are judged so far.
inline constexpr std::size_t kMaxQueueBytes = std::size_t{8} << 20;  // as the kernel's ring

// The recorded host and this program.
struct Info {
  domain::HostFacts host;
  std::uint32_t wire_version = 0;  // decode::wire_version()
  std::string sensor_version;
  bool fleet = false;  // answers of other hosts are to come
};

// What is in the recording, and what was kept out of it and why.
struct RecorderStats {
  FileStats file;
  std::uint64_t bytes_unvouched = 0;  // handed over by the kernel, written as a length
  std::uint64_t aged = 0;             // data records written unjudged: kMaxWait was over
  std::uint64_t crowded = 0;          // the same: kMaxQueueBytes was met
};

class Recorder {
 public:
  // See RecordingFile::create.
  static base::Result<Recorder> create(const std::string& path, const Info& info,
                                       std::uint64_t max_bytes = kDefaultFileBytes);

  // Every event, Ticks too, in pipeline order and before the pipeline works on it.
  void event(const domain::Event& event);
  // What the conversation said about bytes of events already handed over.
  void safe(domain::ConnId conn, const engine::SafeRange& range);
  // Every byte of the direction below `pos` is judged.
  void settled(domain::ConnId conn, domain::Direction direction, std::uint64_t pos);
  // What other hosts said: written at once, nothing of it is of a conversation.
  void answered(const domain::FleetAnswered& answer);
  // Writes everything that waits and closes the file. `end`: the time up to which the sensor
  // watched (0: not told), so that a replay lets the same deadlines pass. kEnvironment: the
  // recording is not complete.
  base::Status finish(domain::TimeNs end = 0);
  RecorderStats stats() const;

 private:
  struct Waiting {
    domain::Event event;         // ConnData: without its bytes
    std::uint32_t captured = 0;  // ConnData: how many there were
    std::size_t cost = 0;
  };
  using SideKey = std::pair<domain::ConnId, domain::Direction>;

  explicit Recorder(RecordingFile file) : file_(std::move(file)) {}
  void drain(bool everything);
  bool judged(const Waiting& waiting) const;
  bool overdue(const Waiting& waiting);
  void write(const Waiting& waiting);

  RecordingFile file_;
  std::deque<Waiting> queue_;
  RecorderStats refused_;                            // its file part is empty
  std::size_t queue_bytes_ = 0;                      // records and safe bytes
  domain::TimeNs now_ = 0;                           // latest event time
  std::map<SideKey, SafeRanges> sides_;              // only directions with waiting records
  std::map<domain::ConnId, domain::TimeNs> closed_;  // within kMaxWait
};

}  // namespace kilnwatch::record
