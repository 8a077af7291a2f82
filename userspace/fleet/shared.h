// The fleet over a server, asked by a thread of its own: whoever asks only puts a question into a
// queue and looks for its answer later.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "fleet/client.h"
#include "fleet/exchange.h"
#include "fleet/fleet.h"
#include "fleet/transport.h"

namespace kilnwatch::fleet {

inline constexpr std::size_t kMaxInbox = 4096;   // questions that the thread has not taken yet
inline constexpr std::size_t kMaxSent = 65'536;  // keys that are known to be there: some 16 MiB
// A key that is there is told again after that part of the time that it lives for, so that it lives
// on: of 30 days every three. One that was refused, after an hour.
inline constexpr std::uint64_t kTouchPart = 10;
inline constexpr TimeNs kTryAgain = 3600 * kSecondNs;
inline constexpr std::size_t kMaxName = 512;  // bytes of a destination's key, or an image's name

struct Settings {
  Node server;
  Login login;
  std::string sensor;  // of hexadecimal digits: whose local baseline this is
  std::string host;    // for people who look at what the server has
  std::uint64_t destination_seconds = 30ull * 86'400;
  std::uint64_t image_seconds = 86'400;
  std::size_t taught_per_hour = kTaughtPerHour;
  bool teaches = true;  // false: it only asks, and leaves the server as it is
};

struct SharedStats {
  ExchangeStats exchange;
  std::uint64_t crowded = 0;  // not asked: the queue was full
  std::uint64_t late = 0;     // decided without their answer: it came too late, or there was none
  std::uint64_t bytes = 0;    // of both directions
  std::uint64_t logins = 0;
};

class Shared final : public Fleet {
 public:
  Shared(std::unique_ptr<Dialer> dialer, Settings settings);
  ~Shared() override { stop(std::chrono::milliseconds(0)); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  Ticket ask(const std::string& key, const std::string& build,
             const std::string& name = {}) override;
  void touch(const std::string& key, const std::string& build) override;
  Ticket ask_image(const std::string& id) override;
  void share_image(const std::string& id, const std::string& note) override;
  std::optional<Answer> take(Ticket ticket) override;
  void drop(Ticket ticket) override;
  void wait(std::chrono::milliseconds patience) override;

  // From now on; what is there already lives as it was told to.
  void keep_for(std::uint64_t destination_seconds, std::uint64_t image_seconds);
  // Brings there what waits, at most for `patience`.
  void stop(std::chrono::milliseconds patience);

  // Readable when there is an answer, or something to say.
  int ready_fd() const { return ready_.get(); }
  // Takes the event.
  void heard();
  struct State {
    bool away = false;
    bool reached = false;  // once at least
    std::string fault;     // why; names no secret
    std::string refusal;   // the last one of a single command; empty: none
    std::uint64_t capped = 0;
  };
  State state() const;
  SharedStats stats() const;

 private:
  // Of an answer: `left` parts are to come.
  struct Asked {
    Answer answer;
    unsigned left = 1;
    bool decides = false;  // of a destination: images are asked for again
  };
  // The last bit of a ticket of a job: it asks for the name.
  static constexpr Ticket kOfName = 1;

  Job question(Job::Kind kind, const std::string& key, const std::string& build) const;
  Ticket submit(Job job, bool question, const std::optional<Job>& of_name = {});
  bool queue(Job job);
  std::string value_of(const std::string& build) const;
  bool is_sent(const std::string& key, TimeNs now);
  void work();
  bool take_inbox(Exchange& exchange);
  void publish(Exchange& exchange, const Client& client, TimeNs now);

  const std::unique_ptr<Dialer> dialer_;
  const Settings settings_;
  std::atomic<std::uint64_t> destination_seconds_;
  std::atomic<std::uint64_t> image_seconds_;
  base::Fd work_;             // eventfd: something was queued, or the end was asked for
  base::Fd ready_;            // eventfd
  mutable std::mutex mutex_;  // of all that follows
  std::condition_variable answered_;
  std::vector<Job> inbox_;
  Ticket last_ = 0;
  std::unordered_map<Ticket, Asked> asked_;
  std::unordered_map<std::string, TimeNs> sent_;  // keys of the server: when to tell them again
  State state_;
  SharedStats stats_;
  std::optional<std::chrono::steady_clock::time_point> end_;  // no later than then
  std::thread thread_;
};

}  // namespace kilnwatch::fleet
