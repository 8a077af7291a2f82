// Request targets as Go's net/url reads them, because the engines are Go programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kilnwatch::protocol {

inline constexpr std::size_t kMaxPairs = 10000;  // net/url refuses a longer query

// Percent-decoding; nothing when an escape is bad. `plus`: '+' is a space (queries, not paths).
std::optional<std::string> percent_decode(std::string_view text, bool plus);

struct Query {
  std::vector<std::pair<std::string, std::string>> pairs;
  // First value of the key, empty when it is not there (Request.FormValue).
  std::string first(std::string_view key) const;
  std::vector<std::string> all(std::string_view key) const;
};

// url.ParseQuery: split at '&' only; a pair with a raw ';' or a bad escape is dropped.
Query parse_query(std::string_view text);

struct Target {
  std::string path;   // decoded
  std::string query;  // as sent
};

// Origin form or absolute form (RFC 9112 section 3.2); nothing when the path cannot be decoded.
std::optional<Target> parse_target(std::string_view target);

}  // namespace kilnwatch::protocol
