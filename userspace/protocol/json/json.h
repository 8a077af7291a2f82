// JSON as Go's encoding/json reads it: keys match in any letter case, the last one wins.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kilnwatch::protocol {

inline constexpr std::size_t kMaxJson = 1 << 20;  // bytes of one document
inline constexpr std::size_t kMaxJsonDepth = 32;

// Nothing when it is no JSON, too long or too deep.
std::optional<boost::json::value> parse_json(std::string_view text);

// Null when `value` is no object or has no such key.
const boost::json::value* json_find(const boost::json::value& value, std::string_view key);
std::string json_string(const boost::json::value* value);  // empty: no string
bool json_true(const boost::json::value* value);
std::vector<std::string> json_strings(const boost::json::value* value);  // members that are strings

}  // namespace kilnwatch::protocol
