// The calls of one connection that are not over yet, in the order of their requests.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "engine/docker/call.h"

namespace kilnwatch::engine::docker {

inline constexpr std::size_t kMaxPending = 256;  // pipelined requests that wait for their answer

class Calls {
 public:
  // The call whose request comes in; null between requests.
  Call* receiving() const;
  // The call that the next byte of the response belongs to.
  Call* answering() const;
  std::size_t waiting() const;  // for the end of their answer
  std::optional<std::uint64_t> held(domain::Direction direction) const;  // lowest place
  std::size_t held_bytes() const;

  // Both: beyond the limit the oldest call is given up, as a blind spot.
  Call& add(const Scene& scene, std::unique_ptr<Call> call);
  // Of a request that was not seen, or could not be read; `first`: before all others.
  Call& add_unseen(const Scene& scene, bool first);

  void end_request(Call& call);
  void end_answer(Call& call);  // may delete it
  // net/http reads on only when it has answered: a call whose next one's head ended in a later read
  // than its own request is over, although its answer was not seen.
  void drop_answered(const Scene& scene);
  // An answer was lost: which one is whose cannot be told any more, but that of a single build
  // tells itself. All others are given up.
  void doubt(const Scene& scene);
  void forgive();                             // what could not be read of requests does not matter
  void give_up(const Scene& scene, Cut how);  // all of them

 private:
  void make_room(const Scene& scene);
  void drop_done();

  std::deque<std::unique_ptr<Call>> calls_;
};

}  // namespace kilnwatch::engine::docker
