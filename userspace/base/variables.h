// Variables in a Dockerfile's words (docs.docker.com/reference/dockerfile: environment
// replacement).
#pragma once

#include <cctype>
#include <string>
#include <string_view>

namespace kilnwatch::base {

// $NAME, ${NAME} and ${NAME:-word}. `value_of(name)` gives a pointer to the value; null: not known,
// and the text stays as it is written. An empty value makes room for the word. Other forms
// (${NAME:+word}, ${NAME#…}) stay with their dollar: the name alone would be another text.
template <typename Lookup>
std::string expand(std::string_view text, const Lookup& value_of) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      out += text[i];
      continue;
    }
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    const std::size_t from = i + (braces ? 2 : 1);
    std::size_t end = from;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_'))
      ++end;
    const std::size_t close = braces ? text.find('}', end) : end;
    const bool has_word = braces && text.substr(end, 2) == ":-";
    const bool known_form = end > from && close != text.npos && (end == close || has_word);
    const std::string* value =
        known_form ? value_of(std::string(text.substr(from, end - from))) : nullptr;
    if (value == nullptr) {
      out += text[i];
      continue;
    }
    if (!value->empty() || !has_word)
      out += *value;
    else
      out += text.substr(end + 2, close - end - 2);
    i = braces ? close : close - 1;
  }
  return out;
}

}  // namespace kilnwatch::base
