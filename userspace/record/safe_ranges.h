// Of one direction of one connection: which bytes a parser vouched for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "domain/event.h"

namespace kilnwatch::record {

class SafeRanges {
 public:
  // A data record of this direction waits: ranges from its first byte on are kept.
  void expect(std::uint64_t pos) { waiting_.insert(pos); }
  // Nothing waits for it: dropped. Where two ranges overlap the first one stands.
  // Returns the bytes kept.
  std::size_t add(std::uint64_t pos, const std::string& bytes);
  void settle(std::uint64_t pos) { settled_ = pos > settled_ ? pos : settled_; }
  bool settled(std::uint64_t end) const { return settled_ >= end; }
  bool idle() const { return waiting_.empty(); }

  // `shape` without bytes, of which the kernel had handed over the first `captured`, as records
  // that together stand for the same span: only vouched bytes, the rest as lengths.
  std::vector<domain::ConnData> rebuild(const domain::ConnData& shape,
                                        std::uint32_t captured) const;

  // The record at `pos` is written. Returns the bytes of ranges that nobody waits for any more.
  std::size_t release(std::uint64_t pos, std::uint64_t end);

 private:
  std::map<std::uint64_t, std::string> ranges_;
  std::multiset<std::uint64_t> waiting_;
  std::uint64_t settled_ = 0;
};

}  // namespace kilnwatch::record
