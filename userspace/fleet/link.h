// One connection with its login and its commands: replies come in the order of the commands.
//
//   connecting ──▶ logging in ──▶ ready ──▶ over
//   Each of the first three ends it when it takes too long; an error of the login does, too.
#pragma once

#include <poll.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fleet/reply.h"
#include "fleet/transport.h"

namespace kilnwatch::fleet {

using TimeNs = std::uint64_t;  // of a steady clock
inline constexpr TimeNs kMillisecond = 1'000'000;
inline constexpr TimeNs kSecondNs = 1'000'000'000;

inline constexpr TimeNs kConnectWait = 5 * kSecondNs;  // for the handshakes: a server that is busy
inline constexpr TimeNs kReplyWait = 3 * kSecondNs;    // nobody waits as long for an answer
inline constexpr TimeNs kIdle = 60 * kSecondNs;        // then a server has the connection back

struct Login {
  std::string user;      // empty: the server's default user
  std::string password;  // empty: no login
  unsigned database = 0;
};

class Link {
 public:
  using Tag = std::uint64_t;
  struct Answered {
    Tag tag = 0;
    Reply reply;
  };

  // `proof`: it is to answer something before anything is asked of it; whoever takes connections
  // need not be there behind them. A login is one.
  Link(std::unique_ptr<Transport> transport, const Login& login, TimeNs now, bool proof = false);

  bool is_ready() const { return ready_; }
  // Sent once it is ready.
  void send(Tag tag, const std::string& command, TimeNs now);
  // All that can be done without waiting. An error: it is over; it names no secret.
  base::Status run(TimeNs now);
  std::vector<Answered> take() { return std::exchange(answered_, {}); }
  // Commands without a reply, the oldest first.
  std::vector<Tag> pending() const;
  bool is_idle(TimeNs now) const { return ready_ && sent_.empty() && now >= active_ + kIdle; }

  pollfd waits_for() const;
  // When it is to run without any event.
  TimeNs due() const;
  // Of both directions, by this connection.
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Sent {
    Tag tag = 0;
    TimeNs time = 0;
  };
  base::Status connect(TimeNs now);
  base::Status write();
  base::Status read(TimeNs now);
  void refuse_beyond();
  base::Status log_in(const Reply& reply, TimeNs now);

  std::unique_ptr<Transport> transport_;
  Reader reader_;
  TimeNs deadline_;  // of what comes before ready
  TimeNs active_;    // the last command or reply
  bool connected_ = false;
  bool ready_ = false;
  std::string login_;       // the bytes
  std::size_t logins_ = 0;  // replies to them that are to come
  bool greets_ = false;     // the only one of them is a greeting
  std::string out_;         // to be written
  std::string held_;        // commands that wait for the login
  std::deque<Sent> sent_;
  std::vector<Answered> answered_;
  std::uint64_t bytes_ = 0;
};

}  // namespace kilnwatch::fleet
