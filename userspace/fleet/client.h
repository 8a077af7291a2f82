// Commands to a server or to the nodes of a cluster: redirects are followed, connections are made
// when there is something to say, and made again later and later while that fails.
#pragma once

#include <poll.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fleet/cluster.h"
#include "fleet/link.h"
#include "fleet/transport.h"

namespace kilnwatch::fleet {

inline constexpr std::size_t kMaxNodes = 64;  // connections to a cluster; a sensor needs few
inline constexpr unsigned kMaxHops = 5;       // redirects of one command, as clients have it
// Between two tries: a server that comes back is not met by all sensors at once.
inline constexpr TimeNs kFirstRetry = 200 * kMillisecond;
inline constexpr TimeNs kLastRetry = 15 * kSecondNs;
inline constexpr TimeNs kSlotsAgain = 10 * kSecondNs;  // the whole map of slots is asked for

class Client {
 public:
  using Tag = Link::Tag;
  struct Done {
    Tag tag = 0;
    std::optional<Reply> reply;  // none: not answered, or not now; it may be tried again
  };

  // `dice`: spreads the tries of many sensors.
  Client(Dialer& dialer, Node seed, Login login, std::uint64_t dice)
      : dialer_(dialer), seed_(std::move(seed)), login_(std::move(login)), dice_(dice | 1) {}

  // Makes a connection, if there is none and it is time to try.
  void reach(TimeNs now) { (void)link_to(seed_, now); }
  // False: there is no way at the moment. Tags are unique while they are on their way.
  bool send(Tag tag, Slot slot, std::string command, TimeNs now);
  // All that can be done without waiting.
  void run(TimeNs now);
  std::vector<Done> take() { return std::exchange(done_, {}); }

  // Nobody answers, or whoever does has not done what it was asked since it said that it cannot: as
  // long as that is so, few questions find out whether it is over.
  bool is_away() const { return away_; }
  // Somebody answers, whatever he does.
  bool is_there() const;
  // Why. Names no secret.
  const std::string& fault() const { return fault_; }
  std::uint64_t logins() const { return logins_; }  // connections that came to be ready

  void waits_for(std::vector<pollfd>& out) const;
  // When to run without any event: something takes too long, or may be tried again.
  TimeNs due(TimeNs now) const;
  std::uint64_t bytes() const;

 private:
  static constexpr Tag kIgnored = ~Tag{0};
  static constexpr Tag kSlotsTag = kIgnored - 1;
  struct Peer {
    std::unique_ptr<Link> link;
    bool counted = false;   // in logins_
    bool proven = false;    // it answered something since the last failure
    bool doubted = false;   // it said that it cannot, and did nothing since
    unsigned failures = 0;  // since it did something
    TimeNs retry_at = 0;
  };
  struct Flight {
    Slot slot = 0;
    std::string command;
    unsigned hops = 0;
  };
  using Peers = std::map<Node, Peer>;
  Link* link_to(const Node& node, TimeNs now);
  const Node& entry(TimeNs now) const;
  void run_link(Peers::iterator at, TimeNs now);
  void drop(Peers::iterator at, const std::string& why, bool failed, TimeNs now);
  void fail(Peer& peer, const std::string& why, TimeNs now);
  // False: the server cannot, the connection is to end.
  bool take_reply(Peers::iterator at, Link::Answered answered, TimeNs now);
  bool follow(const Redirect& redirect, Tag tag, TimeNs now);
  void finish(Tag tag, std::optional<Reply> reply);
  TimeNs backoff(unsigned failures);

  Dialer& dialer_;
  const Node seed_;
  const Login login_;
  std::uint64_t dice_;
  Peers peers_;
  Slots slots_;
  std::optional<TimeNs> slots_asked_;
  std::unordered_map<Tag, Flight> flights_;
  std::vector<Done> done_;
  bool away_ = false;
  std::string fault_;
  std::uint64_t logins_ = 0;
  std::uint64_t bytes_ = 0;  // of connections that are over
};

}  // namespace kilnwatch::fleet
