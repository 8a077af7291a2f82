#include "engine/containerd/json_mask.h"

#include <algorithm>
#include <vector>

#include "base/secrets.h"
#include "base/text.h"

namespace kilnwatch::engine::containerd {
namespace {

// In any letter case, as Go reads keys.
bool one_of(std::span<const std::string_view> list, std::string_view text) {
  return std::any_of(list.begin(), list.end(), [low = base::lower(text)](std::string_view one) {
    return base::lower(one) == low;
  });
}

// Where the string that begins behind `at` ends: at its quotation mark, or with the text.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return std::min(at, text.size());
}

bool is_key(std::string_view text, std::size_t after) {
  const auto next = text.find_first_not_of(" \t\r\n", after);
  return next != text.npos && text[next] == ':';
}

}  // namespace

std::string masked_json(std::string_view text, std::span<const std::string_view> keys,
                        std::span<const std::string_view> values) {
  std::string out(text);
  std::vector<std::string_view> path;  // the key that each open object or array is the value of
  std::string_view key;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '{' || c == '[') {
      path.push_back(key);
      if (c == '{') key = {};
    } else if (c == '}' || c == ']') {
      if (!path.empty()) path.pop_back();
      key = path.empty() ? std::string_view() : path.back();
    } else if (c == '"') {
      const auto end = end_of_string(text, i + 1);
      const auto word = text.substr(i + 1, end - i - 1);
      const bool names = is_key(text, end + 1);
      if (names) key = word;
      // Of an escape a star in its middle would leave no JSON.
      const bool keep =
          word.find('\\') == word.npos && one_of(names ? keys : values, names ? word : key);
      const auto kept = keep ? base::mask_text_same_length(word) : std::string(word.size(), '*');
      out.replace(i + 1, word.size(), kept);
      i = end;
    }
  }
  return out;
}

}  // namespace kilnwatch::engine::containerd
