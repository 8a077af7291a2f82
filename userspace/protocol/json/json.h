// JSON as Go's encoding/json reads it: keys match in any letter case and may stand there twice, bad
// UTF-8 is no error, what follows the first value does not matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kilnwatch::protocol {

inline constexpr std::size_t kMaxJson = 1 << 20;  // bytes of one document
// encoding/json allows 10,000; destruction recurses, and no engine type is deeper than 8.
inline constexpr std::size_t kMaxJsonDepth = 512;

struct JsonMember;

struct Json {
  enum class Kind : std::uint8_t { kNull, kNumber, kFalse, kTrue, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  std::string text;  // kString; of kNumber an integer's digits, empty: a fraction
  // kArray: keys are empty. kObject: in the order of the document, doubles kept.
  std::vector<JsonMember> members;

  bool is_object() const { return kind == Kind::kObject; }
};

struct JsonMember {
  std::string key;
  Json value;
};

// Nothing when it is no JSON, too long or too deep.
std::optional<Json> parse_json(std::string_view text);

// Every value of that key in order, as they are decoded one over the other; null is none.
std::vector<const Json*> json_all(const Json& value, std::string_view key);
const Json* json_find(const Json& value, std::string_view key);  // the last one, or null pointer
std::string json_string(const Json* value);                      // empty: no string
std::string json_integer(const Json* value);                     // in digits; empty: none
bool json_true(const Json* value);
std::vector<std::string> json_strings(const Json* value);  // members that are strings

}  // namespace kilnwatch::protocol
