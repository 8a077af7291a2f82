// The meaning of one API connection: bytes of both directions in, facts out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "domain/api_fact.h"
#include "domain/chunk.h"
#include "domain/event.h"

namespace kilnwatch::engine {

// Bytes at a position that may be recorded: as seen, or with each secret byte replaced ('*'),
// always of equal length. What no SafeRange covers is recorded as a length only.
struct SafeRange {
  domain::Direction direction = domain::Direction::kRequest;
  std::uint64_t pos = 0;
  std::string bytes;
};

struct Output {
  std::vector<domain::ApiFact> facts;
  // Of one direction they never overlap. A unit that is gathered (a message in several chunks)
  // comes after the lines that stand within it.
  std::vector<SafeRange> safe;
};

// Pure: no I/O, no clock. Calls come in time order; positions of a direction ascend without
// overlap (stream/ sees to it). Survives any split, gap and garbage.
class Conversation {
 public:
  virtual ~Conversation() = default;

  virtual void data(const domain::Chunk& chunk, Output& out) = 0;
  // `count` bytes were left in the kernel on purpose (body bytes).
  virtual void skip(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
                    Output& out) = 0;
  // `count` bytes were lost.
  virtual void gap(domain::Direction direction, domain::TimeNs time, std::uint64_t count,
                   Output& out) = 0;
  virtual void close(domain::TimeNs time, Output& out) = 0;
  // Every byte below this position has been judged: it is in a SafeRange or never will be.
  virtual std::uint64_t settled(domain::Direction direction) const = 0;
  // Memory, in bytes, that a peer can make it hold: lines, heads and bodies not judged yet.
  virtual std::size_t held_bytes() const = 0;
};

std::unique_ptr<Conversation> make_conversation(const domain::ConnOpened& opened);

}  // namespace kilnwatch::engine
