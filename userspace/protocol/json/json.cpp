#include "protocol/json/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>
#include <utility>

#include "base/text.h"

namespace kilnwatch::protocol {
namespace {

// Builds a Json from the parser's events.
struct Handler {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  using Error = boost::json::error_code;
  using View = boost::json::string_view;

  Json root;
  std::vector<Json> open;  // arrays and objects that are not closed yet
  std::vector<std::string> keys;
  std::string key, part;

  bool put(Json&& value) {
    if (open.empty()) {
      root = std::move(value);
    } else {
      open.back().members.push_back({std::exchange(key, {}), std::move(value)});
    }
    return true;
  }
  bool begin(Json::Kind kind) {
    keys.push_back(std::exchange(key, {}));
    open.emplace_back().kind = kind;
    return true;
  }
  bool close() {
    Json value = std::move(open.back());
    open.pop_back();
    key = std::move(keys.back());
    keys.pop_back();
    return put(std::move(value));
  }
  bool add(View text) {
    part.append(text.data(), text.size());
    return true;
  }

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return begin(Json::Kind::kObject); }
  bool on_object_end(std::size_t, Error&) { return close(); }
  bool on_array_begin(Error&) { return begin(Json::Kind::kArray); }
  bool on_array_end(std::size_t, Error&) { return close(); }
  bool on_key_part(View text, std::size_t, Error&) { return add(text); }
  bool on_key(View text, std::size_t, Error&) {
    add(text);
    key = std::exchange(part, {});
    return true;
  }
  bool on_string_part(View text, std::size_t, Error&) { return add(text); }
  bool on_string(View text, std::size_t, Error&) {
    add(text);
    return put({Json::Kind::kString, std::exchange(part, {}), {}});
  }
  bool on_number_part(View, Error&) { return true; }
  bool number(std::string digits = {}) { return put({Json::Kind::kNumber, std::move(digits), {}}); }
  bool on_int64(std::int64_t value, View, Error&) { return number(std::to_string(value)); }
  bool on_uint64(std::uint64_t value, View, Error&) { return number(std::to_string(value)); }
  bool on_double(double, View, Error&) { return number(); }
  bool on_bool(bool value, Error&) {
    return put({value ? Json::Kind::kTrue : Json::Kind::kFalse, {}, {}});
  }
  bool on_null(Error&) { return put({}); }
  bool on_comment_part(View, Error&) { return true; }
  bool on_comment(View, Error&) { return true; }
};

// encoding/json folds the two letters outside ASCII whose simple folding is an ASCII one.
std::string folded(std::string_view key) {
  std::string out = base::lower(key);
  for (const auto& [letter, plain] : {std::pair("\xc5\xbf", "s"), std::pair("\xe2\x84\xaa", "k")}) {
    for (auto at = out.find(letter); at != out.npos; at = out.find(letter, at))
      out.replace(at, std::string_view(letter).size(), plain);
  }
  return out;
}

}  // namespace

std::optional<Json> parse_json(std::string_view text) {
  if (text.size() > kMaxJson) return std::nullopt;
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  options.allow_invalid_utf8 = true;
  boost::json::basic_parser<Handler> parser(options);
  boost::json::error_code error;
  parser.write_some(false, text.data(), text.size(), error);
  if (error || !parser.done()) return std::nullopt;
  return std::move(parser.handler().root);
}

std::vector<const Json*> json_all(const Json& value, std::string_view key) {
  std::vector<const Json*> found;
  if (!value.is_object()) return found;
  const auto wanted = folded(key);
  for (const auto& [name, member] : value.members) {
    if (member.kind != Json::Kind::kNull && folded(name) == wanted) found.push_back(&member);
  }
  return found;
}

const Json* json_find(const Json& value, std::string_view key) {
  const auto found = json_all(value, key);
  return found.empty() ? nullptr : found.back();
}

std::string json_string(const Json* value) {
  return value == nullptr || value->kind != Json::Kind::kString ? std::string() : value->text;
}

std::string json_integer(const Json* value) {
  return value == nullptr || value->kind != Json::Kind::kNumber ? std::string() : value->text;
}

bool json_true(const Json* value) { return value != nullptr && value->kind == Json::Kind::kTrue; }

std::vector<std::string> json_strings(const Json* value) {
  std::vector<std::string> out;
  if (value == nullptr || value->kind != Json::Kind::kArray) return out;
  for (const auto& [key, member] : value->members) {
    if (member.kind == Json::Kind::kString) out.push_back(member.text);
  }
  return out;
}

}  // namespace kilnwatch::protocol
