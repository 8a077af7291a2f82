#include "base/secret_view.h"

#include <algorithm>

#include "base/continuation.h"

namespace kilnwatch::base {
namespace {

// The character that \uXXXX at `at` stands for, when it is one that can be part of a word.
char unicode_escape(std::string_view t, std::size_t at) {
  constexpr std::size_t kSize = 6;
  if (at + kSize > t.size()) return 0;
  unsigned value = 0;
  for (std::size_t i = at + 2; i < at + kSize; ++i) {
    const auto digit = std::string_view("0123456789abcdef").find(lower(t.substr(i, 1)));
    if (digit == std::string_view::npos) return 0;
    value = value * 16 + static_cast<unsigned>(digit);
  }
  const char c = static_cast<char>(value);
  const bool word = value > ' ' && value < 0x7f && c != '"' && c != '\'' && c != '\\' && c != '`';
  return word ? c : '\0';
}

std::size_t line_after(std::string_view t, std::size_t at) {
  return std::min(t.size(), t.find('\n', at) == t.npos ? t.size() : t.find('\n', at) + 1);
}

// A comment is not joined with the line behind it, whatever it ends in.
bool begins_comment(std::string_view t, std::size_t at) {
  const auto first = t.find_first_not_of(" \t", at);
  return first != t.npos && t[first] == '#';
}

}  // namespace

View::View(std::string_view text) {
  const char escape = escape_character(text);
  bool comment = begins_comment(text, 0);
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == escape || text[i] == '\\') {
      i = escaped(text, i, escape, comment);
      continue;
    }
    if (text[i] == '\n') comment = begins_comment(text, i + 1);
    add(text[i], i, 1);
    ++i;
  }
  for (const auto& [from, to] : comments_) {
    add('\n', from, 0);
    add_all(text, from, to);
  }
}

void View::add(char c, std::size_t at, std::uint8_t size) {
  text_ += c;
  at_.push_back(at);
  sizes_.push_back(size);
}

void View::add_all(std::string_view text, std::size_t from, std::size_t to) {
  for (; from < to; ++from) add(text[from], from, 1);
}

// The run of escape characters at `at` and what it escapes; returns where to go on.
std::size_t View::escaped(std::string_view t, std::size_t at, char escape, bool comment) {
  const char mark = t[at];
  const std::size_t end = std::min(t.find_first_not_of(mark, at), t.size());
  const std::size_t count = end - at;
  const bool odd = count % 2 == 1;
  if (odd && mark == escape && !comment) {
    const std::size_t rest = std::min(t.find_first_not_of(" \t\r", end), t.size());
    if (rest < t.size() && t[rest] == '\n') {
      add_all(t, at, end - 1);
      return over_silent_lines(t, rest + 1);
    }
    // The same in a JSON string.
    constexpr std::size_t kInJson = 3;
    if (count == kInJson && end < t.size() && t[end] == 'n') return end + 1;
  }
  if (odd && mark == '\\' && end < t.size()) {
    const char c = t[end] == '/' ? '/' : t[end] == 'u' ? unicode_escape(t, end - 1) : '\0';
    if (c != '\0') {
      add_all(t, at, end - 1);
      const std::uint8_t size = t[end] == '/' ? 2 : 6;
      add(c, end - 1, size);
      return end - 1 + size;
    }
  }
  add_all(t, at, end);
  return end;
}

std::size_t View::over_silent_lines(std::string_view t, std::size_t at) {
  while (at < t.size()) {
    const std::size_t next = line_after(t, at);
    const auto line = t.substr(at, next - at);
    if (!line.ends_with('\n') || line.find('\0') != line.npos || !says_nothing(line)) break;
    if (begins_comment(t, at)) comments_.emplace_back(at, next - 1);
    at = next;
  }
  return at;
}

Marks View::in_text(const Marks& marks, std::size_t size) const {
  Marks out(size);
  for (std::size_t i = 0; i < marks.size(); ++i) {
    for (std::size_t k = 0; marks[i] && k < sizes_[i]; ++k) out[at_[i] + k] = true;
  }
  return out;
}

}  // namespace kilnwatch::base
