// The TLS ClientHello at the front of what a client sent first on a connection (RFC 8446, 4.1.2),
// read from one piece that may be cut off anywhere.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kilnwatch::protocol {

struct ClientHello {
  // The server that the client says it wants (RFC 6066, 3), in lower case; empty: it names none, or
  // what it names is no host name. Nothing verifies it.
  std::string server_name;
  // Encrypted Client Hello (RFC 9849): the name above is the one of the relay, not the true one.
  bool encrypted = false;
  bool whole = false;  // every extension was there; else the absence of a name says nothing
  // Offset and length in the text of what was understood and holds no secret: heads of records, the
  // name's extension. The rest (random, session, tickets, keys) must not be kept.
  std::vector<std::pair<std::size_t, std::size_t>> open;
};

// Nothing when the text does not begin with a ClientHello, in one or more records.
std::optional<ClientHello> read_client_hello(std::string_view text);

}  // namespace kilnwatch::protocol
