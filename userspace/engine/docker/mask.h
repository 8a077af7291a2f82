// What of a request may be recorded or told: secrets out, all else as it stood.
#pragma once

#include <string>
#include <string_view>

#include "engine/conversation.h"
#include "protocol/http1/parser.h"

namespace kilnwatch::engine::docker {

// Lines of heads, trailers and chunk sizes, each masked in equal length. Only values of fields that
// a parser looks at stay; a folded value may go on a secret, so it stays only where it frames.
class LineMask {
 public:
  // fetch: of a request that the engine makes itself.
  explicit LineMask(bool fetch = false) : fetch_(fetch) {}
  std::string masked(domain::Direction direction, protocol::Line kind, std::string_view raw);

 private:
  bool fetch_;
  bool framing_ = false;  // the last field is Content-Length or Transfer-Encoding
};

// A query or form: equal length, percent-encoded secrets too.
std::string masked_pairs(std::string_view text);

// An image reference as written. A name like "keycloak:20" is no secret assignment, so its parts
// are judged one by one: userinfo and well-known token shapes go.
std::string safe_reference(std::string_view text);
std::string masked_reference(std::string_view text);  // of equal length

// A message of an engine, of equal length; the reference in it is judged as safe_reference does.
std::string masked_message(std::string_view text, std::string_view reference);

}  // namespace kilnwatch::engine::docker
