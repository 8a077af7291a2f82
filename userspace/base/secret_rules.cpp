#include "base/secret_rules.h"

#include <algorithm>

namespace kilnwatch::base {
namespace {

bool is_quote(char c) { return c == '"' || c == '\'' || c == '\0'; }

// A mark that comes before one of these closed what was open: no new quotation begins there.
bool ends_word(std::string_view text, std::size_t at) {
  return at >= text.size() || is_blank(text[at]) || is_quote(text[at]) ||
         std::string_view(",;)]}&|<>\\").find(text[at]) != std::string_view::npos;
}

}  // namespace

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0'; }

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

void mark(std::string_view text, Marks& marks, std::size_t from, std::size_t to) {
  to = std::min(to, text.size());
  for (; from < to; ++from) marks[from] = true;
}

std::size_t argument_end(std::string_view text, std::size_t at) {
  if (at == 0 || text[at - 1] != '\0') return std::string_view::npos;
  return std::min(text.find('\0', at), text.size());
}

Quote quote_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && end - at < kSlashes && text[end] == '\\') ++end;
  if (end >= text.size() || !is_quote(text[end])) return {};
  if (text[end] == '\0' && end != at) return {};
  return {text[end], end - at, end - at + 1};
}

Quote quote_before(std::string_view text, std::size_t at) {
  if (at == 0 || !is_quote(text[at - 1])) return {};
  std::size_t begin = at - 1;
  if (text[begin] == '\0') return {'\0', 0, 1};
  while (begin > 0 && at - 1 - begin < kSlashes && text[begin - 1] == '\\') --begin;
  return {text[at - 1], at - 1 - begin, at - begin};
}

std::size_t quotation_end(std::string_view text, std::size_t from, const Quote& open) {
  std::size_t slashes = 0;
  for (std::size_t i = from; i < text.size(); ++i) {
    if (text[i] == '\0') return i;
    // With more backslashes than the opening mark has, it is a deeper one's, unless they escape
    // each other: "a\\\\" ends.
    if (text[i] == open.mark && slashes <= open.slashes) return i - slashes;
    if (text[i] == open.mark && slashes % (2 * (open.slashes + 1)) == open.slashes) {
      return i - open.slashes;
    }
    slashes = text[i] == '\\' ? slashes + 1 : 0;
  }
  return text.size();
}

std::size_t value_end(std::string_view text, std::size_t at) {
  if (const auto end = argument_end(text, at); end != std::string_view::npos) return end;
  std::size_t i = at;
  while (i < text.size() && !is_blank(text[i]) &&
         std::string_view(";&|<>)").find(text[i]) == std::string_view::npos) {
    const Quote quote = quote_at(text, i);
    if (quote.size != 0) {
      if (i != at && ends_word(text, i + quote.size)) return i;
      const std::size_t inside = i + quote.size;
      const std::size_t end = quotation_end(text, inside, quote);
      // The closing mark as a whole belongs to the value, so that what follows may go on with it.
      i = end;
      if (i < text.size() && text[i] != '\0') i += quote_at(text, i).size;
      if (ends_word(text, i)) return std::min(i, text.size());
    } else {
      const bool escape = text[i] == '\\' && i + 1 < text.size() && text[i + 1] != '\0';
      i += escape && text[i + 1] != '\n' ? 2 : 1;
    }
  }
  return std::min(i, text.size());
}

std::size_t mark_value(std::string_view text, std::size_t at, Marks& marks) {
  if (at < text.size() && (text[at] == '$' || text[at] == '`')) {
    std::size_t end = at + 1;
    const bool brace = end < text.size() && text[end] == '{';
    const bool command = text[at] == '`' || (end < text.size() && text[end] == '(');
    if (command) return end;
    if (brace) ++end;
    while (end < text.size() && is_name_char(text[end]) && text[end] != '-') ++end;
    if (brace && end < text.size() && text[end] == '}') ++end;
    if (ends_word(text, end)) return end;
  }
  const std::size_t end = value_end(text, at);
  const Quote open = quote_at(text, at);
  if (open.size != 0 && open.mark != '\0') {
    const std::size_t close = quotation_end(text, at + open.size, open);
    if (close == text.size() || text[close] == '\0' || close + quote_at(text, close).size == end) {
      mark(text, marks, at + open.size, std::min(close, end));
      return end;
    }
  }
  mark(text, marks, at, end);
  return end;
}

}  // namespace kilnwatch::base
