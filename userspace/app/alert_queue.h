// The one bounded queue between the pipeline and standard output, and the thread that writes.
//
// The pipeline never waits for a reader: a sensor that stands still loses what the kernel has to
// say. A full queue loses its oldest alerts, and the stream says so where they would have stood.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/fd.h"

namespace kilnwatch::app {

// Design limit: a reader that restarts within minutes misses nothing of a busy CI host.
inline constexpr std::size_t kQueuedAlerts = 65'536;
// The share of the one byte budget that may wait here: an alert is some KiB, at worst a MiB.
inline constexpr std::size_t kQueuedBytes = std::size_t{16} << 20;

class AlertQueue {
 public:
  // An alert about `count` alerts that were lost, in the format of the stream. Called by the
  // writing thread.
  using LossNotice = std::function<std::string(std::uint64_t count)>;
  struct Limits {
    std::size_t alerts = kQueuedAlerts;
    std::size_t bytes = kQueuedBytes;
  };

  // Writes to `fd`, which stays open until stop() has returned.
  AlertQueue(int fd, LossNotice notice, Limits limits);
  AlertQueue(int fd, LossNotice notice) : AlertQueue(fd, std::move(notice), Limits{}) {}
  AlertQueue(const AlertQueue&) = delete;
  AlertQueue& operator=(const AlertQueue&) = delete;
  ~AlertQueue() { stop(std::chrono::milliseconds(0)); }

  // Never waits. `encoded` is one whole alert.
  void push(std::string encoded);
  // Writes what waits, at most for `patience`; then nothing more is written. Alerts that were
  // queued still, or cut off in the middle, count as lost. Ends in little more than `patience`.
  void stop(std::chrono::milliseconds patience);

  // errno of the write that failed, or EPIPE as soon as the reader is gone; 0: all is well.
  int error() const { return error_; }
  // Readable once error() is not 0.
  int failed_fd() const { return failed_.get(); }
  // Alerts that were not written: the queue was full, the write failed, or the time was over.
  std::uint64_t lost() const { return lost_; }

 private:
  void write_alerts();
  bool write(const std::string& bytes);
  void fail(int error);
  void wait_for_work();

  const int fd_;
  const LossNotice notice_;
  const Limits limits_;
  base::Fd work_;    // eventfd: something was queued, or the end was asked for
  base::Fd failed_;  // eventfd
  std::mutex mutex_;
  std::condition_variable over_changed_;
  std::deque<std::string> queue_;     // mutex_
  std::size_t bytes_ = 0;             // of queue_; mutex_
  std::uint64_t not_told_ = 0;        // dropped since the last notice; mutex_
  bool stopping_ = false;             // mutex_
  bool over_ = false;                 // the thread has ended; mutex_
  std::atomic<bool> abandon_{false};  // write nothing more
  std::atomic<int> error_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::thread thread_;
};

}  // namespace kilnwatch::app
