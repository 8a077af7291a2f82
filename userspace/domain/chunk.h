// Bytes of one direction of a connection, in order: what stream/ hands to engine/.
#pragma once

#include <cstdint>
#include <string_view>

#include "domain/types.h"

namespace kilnwatch::domain {

struct Chunk {
  Direction direction = Direction::kRequest;
  TimeNs time = 0;
  std::uint64_t pos = 0;
  std::string_view bytes;
  bool at_head = false;     // the kernel's framing says a message head begins here
  bool call_start = false;  // first byte of one socket call: a place to look for a new message
};

}  // namespace kilnwatch::domain
