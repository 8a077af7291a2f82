#include "protocol/json/json.h"

#include <boost/json/src.hpp>

#include "base/text.h"

namespace kilnwatch::protocol {
std::optional<boost::json::value> parse_json(std::string_view text) {
  if (text.size() > kMaxJson) return std::nullopt;
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::json::error_code error;
  auto value = boost::json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return std::nullopt;
  return value;
}

const boost::json::value* json_find(const boost::json::value& value, std::string_view key) {
  const auto* object = value.if_object();
  const boost::json::value* found = nullptr;
  if (object == nullptr) return nullptr;
  const auto wanted = base::lower(key);
  for (const auto& member : *object) {
    if (base::lower({member.key().data(), member.key().size()}) == wanted) found = &member.value();
  }
  return found;
}

std::string json_string(const boost::json::value* value) {
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

bool json_true(const boost::json::value* value) {
  const auto* flag = value == nullptr ? nullptr : value->if_bool();
  return flag != nullptr && *flag;
}

std::vector<std::string> json_strings(const boost::json::value* value) {
  std::vector<std::string> out;
  const auto* array = value == nullptr ? nullptr : value->if_array();
  if (array == nullptr) return out;
  for (const auto& member : *array) {
    if (member.is_string()) out.push_back(json_string(&member));
  }
  return out;
}

}  // namespace kilnwatch::protocol
