// Questions and lessons as commands. What is asked is taught by asking: SET NX decides who is the
// first, a key that is there lives on. What cannot be asked waits, and is taught when the server
// is back. Pure but for the transports: time is injected.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fleet/client.h"
#include "fleet/fleet.h"
#include "fleet/quota.h"

namespace kilnwatch::fleet {

// What waits for a server that is away: a busy day of a host.
inline constexpr std::size_t kMaxWaiting = 16'384;
inline constexpr std::size_t kMaxFlying = 256;  // commands without a reply
// After one that cannot be done now, for itself alone: keys of other nodes have no part in it.
inline constexpr TimeNs kNotNowWait = 500 * kMillisecond;
inline constexpr TimeNs kLastNotNowWait = 30 * kSecondNs;
inline constexpr const char* kDestination = "kilnwatch:1:destination:";  // before the key
inline constexpr const char* kImage = "kilnwatch:1:image:";

struct Job {
  enum class Kind : std::uint8_t { kAsk, kAskName, kTouch, kAskImage, kShareImage };
  Kind kind = Kind::kTouch;
  Fleet::Ticket ticket = 0;  // 0: nobody waits for an answer
  std::string key;           // of the server, whole
  std::string value;
  std::uint64_t seconds = 0;  // how long it is to live
  bool setting = false;       // it is taught: it was not there, or is an image
  bool late = false;          // it waited for a server that was away
  unsigned tries = 0;         // that failed
  TimeNs not_before = 0;      // the next one
};

struct ExchangeStats {
  std::uint64_t asked = 0;
  std::uint64_t known = 0;
  std::uint64_t taught = 0;      // destinations and images that nobody had taught
  std::uint64_t reconciled = 0;  // decided here while the server was away, and brought there since
  std::uint64_t capped = 0;      // not taught: as many as a host may in an hour were
  std::uint64_t crowded = 0;     // not taught: there was no room to wait
  std::uint64_t refused = 0;     // by the server
  std::size_t waiting = 0;       // now
};

class Exchange {
 public:
  struct Posted {
    Fleet::Ticket ticket = 0;
    Answer answer;
  };

  // `sensor`: who teaches, no blank in it: what this one taught itself is no news from others.
  // `teaches` false: it only asks, and leaves the server as it is.
  // `quota`: of destinations, and as much again of images.
  Exchange(Client& client, std::string sensor, Quota quota = Quota(), bool teaches = true)
      : client_(client),
        sensor_(std::move(sensor)),
        quota_(quota),
        image_quota_(std::move(quota)),
        teaches_(teaches) {}

  void submit(Job job);
  // All that can be done without waiting.
  void run(TimeNs now);
  std::vector<Posted> take() { return std::exchange(posted_, {}); }
  // Keys that were not brought there and will not be, unless they are met again.
  std::vector<std::string> forgotten() { return std::exchange(forgotten_, {}); }

  bool is_idle() const { return waiting_.empty() && flying_.empty(); }
  TimeNs due(TimeNs now) const;
  ExchangeStats stats() const;
  const std::string& refusal() const { return refusal_; }  // the server's last one

 private:
  void launch(TimeNs now);
  Quota& quota_of(const Job& job) {
    return job.kind == Job::Kind::kShareImage ? image_quota_ : quota_;
  }
  bool send(Client::Tag tag, const Job& job, TimeNs now);
  void settle(Job job, std::optional<Reply> reply, TimeNs now);
  void settle_found(Job& job, const std::string& value);
  void settle_missing(Job job, TimeNs now);
  void settle_later(Job job, TimeNs now);
  void refuse(const Job& job, std::uint64_t& counter, Answer answer);
  void answer(Job& job, Answer answer);
  void wait_for_server(Job job);
  void give_up_waiting();

  Client& client_;
  const std::string sensor_;
  Quota quota_;
  Quota image_quota_;
  const bool teaches_;
  std::deque<Job> waiting_;
  std::unordered_map<Client::Tag, Job> flying_;
  Client::Tag last_ = 0;
  std::vector<Posted> posted_;
  std::vector<std::string> forgotten_;
  ExchangeStats stats_;
  std::string refusal_;
};

}  // namespace kilnwatch::fleet
