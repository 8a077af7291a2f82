// The steps of a BuildKit build, as it told them, and its clock against ours.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "domain/api_fact.h"

namespace kilnwatch::tracker {

inline constexpr std::size_t kMaxVertices = 512;         // RUN steps of a build (design §6)
inline constexpr std::size_t kMaxNodes = 4096;           // of its graph, RUN steps among them
inline constexpr std::size_t kMaxAdded = 64;             // ADDs of URLs of a build
inline constexpr std::size_t kMaxVertexText = 4096;      // bytes of an instruction
inline constexpr std::size_t kMaxVertexBytes = 8 << 20;  // of all builds
// BuildKit gathers what it tells for 0.1 s or so (buildkit: solver/progress, cmd of
// control/Status): the one message of a build that was fastest came within this, ns. More than one
// build in the lab ever needed, on an emulated machine.
inline constexpr std::int64_t kFastest = 500'000'000;

struct Vertex {
  std::string digest;
  std::string stage;
  std::uint32_t number = 0;
  std::uint32_t total = 0;
  std::string text;  // "RUN …"; one that is too long ends in "***"
  std::string error;
  bool cached = false;
  // Engine's clock. A vertex may begin several times (its cache key, then its command).
  std::int64_t first_started = 0;  // 0: not yet
  std::int64_t last_started = 0;
  std::int64_t completed = 0;  // the last time; 0: not yet

  bool done() const { return completed != 0 && completed >= last_started; }
};

class Vertices {
 public:
  // Of a RUN step. Null: no room. `grown`: bytes that it holds more than before.
  const Vertex* learn(const domain::VertexSeen& fact, std::size_t room, std::size_t& grown);
  void learn(const domain::BuilderClock& fact);
  // One that is no RUN step, and failed.
  void failed(const domain::VertexSeen& fact);
  // What a node stands on: of a RUN step that was learnt, of what surely runs nothing. And what an
  // ADD fetches. Without room it stays unknown. Bytes held more.
  std::size_t place(const domain::VertexSeen& fact, std::size_t room);

  // Below the node in the graph no RUN step is for which `made` is true: false also where the graph
  // is not known to its end.
  template <class Made>
  bool none_below(const std::string& digest, const Made& made) const;

  const std::map<std::string, Vertex>& all() const { return all_; }
  std::size_t bytes() const { return bytes_; }
  // ADDs of URLs, as instructions, with variables filled in.
  const std::vector<std::string>& added() const { return added_; }
  // ADDs that found no room, since it was last asked for.
  std::uint64_t added_refused() { return std::exchange(added_refused_, 0); }
  const std::string& failure() const { return failure_; }  // of a step that is not in all()

  // In our time: `at` of the engine's clock was not before the first, nor after the second.
  // Nothing: the clocks were not compared yet.
  struct Span {
    std::int64_t from = 0;
    std::int64_t to = 0;
  };
  std::optional<Span> ours(std::int64_t at) const;
  // All that BuildKit had begun or ended by then, in our time, is told.
  bool told_until(domain::TimeNs time) const;

 private:
  std::size_t note_added(const domain::VertexSeen& fact, std::size_t room);

  std::map<std::string, Vertex> all_;
  std::map<std::string, std::vector<std::string>> inputs_;  // of nodes that are known whole
  std::vector<std::string> added_;
  std::uint64_t added_refused_ = 0;
  std::size_t bytes_ = 0;
  std::string failure_;
  std::optional<std::int64_t> ahead_;  // the engine's clock is ahead of ours by this at least
  std::int64_t reached_ = 0;           // engine's clock
};

template <class Made>
bool Vertices::none_below(const std::string& digest, const Made& made) const {
  std::set<std::string> seen = {digest};
  std::vector<std::string> todo = {digest};
  while (!todo.empty()) {
    const auto node = inputs_.find(todo.back());
    todo.pop_back();
    if (node == inputs_.end()) return false;
    for (const std::string& input : node->second) {
      if (!seen.insert(input).second) continue;
      if (const auto step = all_.find(input); step != all_.end() && made(step->second))
        return false;
      todo.push_back(input);
    }
  }
  return true;
}

}  // namespace kilnwatch::tracker
