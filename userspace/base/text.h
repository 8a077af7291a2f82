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

// Lower-case hexadecimal digits, at least one.
inline bool is_hex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == text.npos;
}

// "sha256:<64 hex>", as engines write the digest of an image, a layer or a vertex.
inline bool is_digest(std::string_view text) {
  constexpr std::string_view kAlgorithm = "sha256:";
  return text.starts_with(kAlgorithm) && text.size() == kAlgorithm.size() + 64 &&
         is_hex(text.substr(kAlgorithm.size()));
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
