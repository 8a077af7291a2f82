// What hosts share: which destinations builds of any of them reached, and which images they built.
// Asking never waits: an answer comes, or the one who asks decides without it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kilnwatch::fleet {

inline constexpr std::size_t kMaxNote = 4096;  // bytes of what is shared of an image

struct Answer {
  enum class Kind : std::uint8_t {
    kNone,  // the server does not answer: this host's own baseline decides
    kNew,   // nobody knew it
    kKnown
  };
  Kind kind = Kind::kNone;
  bool capped = false;      // kNew, and not taught: this host taught as many as one may
  std::string note;         // of an image that is known: what its builder wrote
  bool known_name = false;  // builds of a host reached the destination's name, at whatever address
};

class Fleet {
 public:
  using Ticket = std::uint64_t;  // 0: not asked, there was no room

  virtual ~Fleet() = default;
  // Whether builds of any host reached the destination; it is known from then on. `build`: whose
  // step did, may be empty. `name`: the key of its name, of which the same is asked, and which is
  // not taught by asking: whether it may be hangs on the answer. May be empty.
  virtual Ticket ask(const std::string& key, const std::string& build, const std::string& name) = 0;
  // This host knows it, and met it, maybe again: the fleet is told now and then.
  virtual void touch(const std::string& key, const std::string& build) = 0;
  // Whether a host built an image of this id, digest or name of a registry.
  virtual Ticket ask_image(const std::string& id) = 0;
  virtual void share_image(const std::string& id, const std::string& note) = 0;

  // Nothing: not yet. A ticket is good for one answer.
  virtual std::optional<Answer> take(Ticket ticket) = 0;
  // Nobody waits for it any longer: what comes changes nothing.
  virtual void drop(Ticket ticket) = 0;
  // Until every question has its answer, at most for so long.
  virtual void wait(std::chrono::milliseconds patience) = 0;
};

}  // namespace kilnwatch::fleet
