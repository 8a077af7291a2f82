// The request at the front of what a client sent first on a connection (RFC 9112, 3), read from one
// piece: for connections of which only the first bytes are known.
#pragma once

#include <optional>
#include <string_view>

namespace kilnwatch::protocol {

// All views point into the text that was read.
struct FirstRequest {
  std::string_view line;       // request line with its line end
  std::string_view method;     // at most 10 characters
  std::string_view target;     // as sent; may hold secrets
  std::string_view host_line;  // first Host field with its line end; empty: none, or cut off
  // Who is asked, as sent, with a port or without: of the target where that says so (RFC 9112,
  // 3.2.2: whoever is a proxy follows it and no field), else of the first Host field.
  std::string_view host;
};

// Nothing when the text does not begin with a whole request line of HTTP/1.x.
std::optional<FirstRequest> read_first_request(std::string_view text);

// The text begins as a request does, and neither who is asked nor the end of the head is in it.
bool host_may_follow(std::string_view text);

}  // namespace kilnwatch::protocol
