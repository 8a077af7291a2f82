// Continuity of one connection: records with positions in, data / skip / gap out.
#pragma once

#include <array>
#include <cstdint>

#include "domain/chunk.h"
#include "domain/event.h"

namespace kilnwatch::stream {

class StreamSink {
 public:
  virtual ~StreamSink() = default;
  virtual void data(const domain::Chunk& chunk) = 0;
  virtual void skip(domain::Direction direction, domain::TimeNs time, std::uint64_t count) = 0;
  virtual void gap(domain::Direction direction, domain::TimeNs time, std::uint64_t count) = 0;
};

class Assembler {
 public:
  // midway: the bytes before the first record of a direction are no gap.
  // pos + span of a record must not exceed 2^64 - 1: decode and capture/replay refuse such records.
  explicit Assembler(bool midway) : midway_(midway) {}
  void add(const domain::ConnData& record, StreamSink& sink);

 private:
  struct Side {
    std::uint64_t next = 0;  // position of the first byte not yet handed on
    bool begun = false;
  };
  bool midway_;
  std::array<Side, 2> sides_;
};

}  // namespace kilnwatch::stream
