// How long the body after a head is (RFC 9112 section 6), read the way net/http of the engines
// does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/http1/head.h"

namespace kilnwatch::protocol {

struct Framing {
  enum class Kind : std::uint8_t { kNone, kLength, kChunked, kUntilClose, kBroken };
  Kind kind = Kind::kNone;
  std::uint64_t length = 0;      // kLength
  std::string_view reason = {};  // kBroken: what makes it unreadable; net/http refuses the message
};

// Transfer-Encoding wins over Content-Length and does not count in HTTP/1.0; several lengths must
// be equal. Of a response: the status alone (1xx, 204, 304) is not judged here.
Framing framing_of(const Head& head, bool response);

// The size in a chunk-size line without its line end; extensions do not count. Nothing when it is
// malformed or longer than 16 digits (net/http internal/chunked.go).
std::optional<std::uint64_t> chunk_size(std::string_view line);

// "METHOD target HTTP/1.x" or "HTTP/1.x status reason" into the three parts of `head`. False: no
// such line.
bool parse_start(std::string_view line, bool response, Head& head);

}  // namespace kilnwatch::protocol
