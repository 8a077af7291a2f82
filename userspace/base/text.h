// Small text operations on bytes; letters are ASCII whatever the locale says.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace kilnwatch::base {

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Without the blanks and newlines at its end.
inline std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// Parts that each end in NUL, as in an argument vector; a last one without NUL is kept.
inline std::vector<std::string> split_nul(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    parts.emplace_back(text.substr(0, text.find('\0')));
    text.remove_prefix(std::min(text.size(), parts.back().size() + 1));
  }
  return parts;
}

}  // namespace kilnwatch::base
