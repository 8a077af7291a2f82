// NAME=value, "name": "value", Header: value.
#include <algorithm>

#include "base/secret_flags.h"
#include "base/secret_rules.h"
#include "base/secrets.h"
#include "base/text.h"

namespace kilnwatch::base {
namespace {

struct Name {
  std::size_t begin = 0;
  std::string_view text;
  bool quoted = false;  // a quotation mark closes it: "name" = …
  bool blank = false;   // a blank stands between it and its sign
};

// The name before the sign at `at`.
Name name_before(std::string_view t, std::size_t at) {
  Name name;
  std::size_t end = at;
  if (end > 0 && t[at] == '=' && (t[end - 1] == '+' || t[end - 1] == '?' || t[end - 1] == ':'))
    --end;
  const std::size_t sign = end;
  while (end > 0 && (t[end - 1] == ' ' || t[end - 1] == '\t') && sign - end < 8) --end;
  name.blank = end != sign;
  if (const Quote quote = quote_before(t, end); quote.size != 0 && quote.mark != '\0') {
    name.quoted = true;
    end -= quote.size;
  }
  constexpr std::size_t kLongest = 128;  // longer words are no names
  std::size_t begin = end;
  while (begin > 0 && is_name_char(t[begin - 1]) && end - begin < kLongest) --begin;
  name.begin = begin;
  name.text = t.substr(begin, end - begin);
  return name;
}

std::size_t skip_blanks(std::string_view t, std::size_t at) {
  while (at < t.size() && (t[at] == ' ' || t[at] == '\t')) ++at;
  return at;
}

// The quotation that begins at `at` is the program of a shell: sh -c '…', ["sh", "-c", "…"].
bool is_program(std::string_view t, std::size_t at) {
  std::size_t end = at;
  while (end > 0 && at - end < 16 &&
         (is_blank(t[end - 1]) || t[end - 1] == ',' || t[end - 1] == '"' || t[end - 1] == '\'' ||
          t[end - 1] == '\\')) {
    --end;
  }
  if (end < 2 || t[end - 1] != 'c') return false;
  std::size_t begin = end;
  while (begin > 0 && end - begin < 6 && t[begin - 1] >= 'a' && t[begin - 1] <= 'z') --begin;
  return begin > 0 && t[begin - 1] == '-';
}

std::size_t line_end(std::string_view t, std::size_t at) {
  return std::min(t.find_first_of(std::string_view("\r\n\0", 3), at), t.size());
}

// A call or a list, ('bob', 'x') or BasicAuth("bob", "x"): up to the bracket that closes it.
// Returns `at` when none begins there.
std::size_t mark_bracketed(std::string_view t, std::size_t at, Marks& marks) {
  std::size_t open = at;
  while (open < t.size() && is_name_char(t[open])) ++open;
  if (open >= t.size() || (t[open] != '(' && (t[open] != '[' || open != at))) return at;
  constexpr int kMostLines = 8;
  int depth = 0, lines = 0;
  std::size_t i = open, line = line_end(t, open);
  for (; i < t.size() && t[i] != '\0' && lines < kMostLines; ++i) {
    if (t[i] == '(' || t[i] == '[') ++depth;
    if ((t[i] == ')' || t[i] == ']') && --depth == 0) break;
    if (i >= line) {
      ++lines;
      line = line_end(t, i + 1);
    }
    if (const Quote quote = quote_at(t, i); quote.size != 0 && quote.mark != '\0') {
      const std::size_t close = quotation_end(t.substr(0, line), i + quote.size, quote);
      const std::size_t size = quote_at(t, close).size;
      i = size == 0 ? close - 1 : close + size - 1;
    }
  }
  const bool closed = i < t.size() && (t[i] == ')' || t[i] == ']') && depth == 0;
  const std::size_t end = closed ? i : line_end(t, open);
  mark(t, marks, open + 1, end);
  return std::max(end, open + 1);
}

// What stands before a name says that it is one of a header: -H "Name:x", --header=Name:x.
bool is_header(std::string_view t, const Name& name) {
  const std::string low = lower(name.text);
  if (low.find("authorization") != low.npos || low.starts_with("x-")) return true;
  if (low.starts_with("-hx-") || low.find("cookie") != low.npos) return true;
  std::size_t at = name.begin - quote_before(t, name.begin).size;
  for (int blanks = 0; at > 0 && blanks < 2 && (is_blank(t[at - 1]) || t[at - 1] == '='); ++blanks)
    --at;
  const auto before = lower(t.substr(at < 8 ? 0 : at - 8, std::min<std::size_t>(at, 8)));
  return before.ends_with("-h") || before.ends_with("header");
}

// NAME=value. Returns where to go on.
std::size_t after_equals(std::string_view t, std::size_t sign, const Name& name, Marks& marks) {
  std::size_t at = sign + 1;
  if (at < t.size() && t[at] == '=') return at + 1;  // a comparison, a version
  const std::size_t value = skip_blanks(t, at);
  // "NAME= word" sets nothing; "name = word" and "NAME= 'word'" do.
  if (value != at && !name.blank && quote_at(t, value).size == 0) return at;
  at = value;
  if (names_a_place(name.text)) return at;
  if ((name.text == "PWD" || name.text == "OLDPWD") && t.substr(at).starts_with('/')) return at;
  const Quote around = quote_before(t, name.begin);
  if (around.size != 0 && !name.quoted && quote_at(t, at).size == 0 &&
      !is_program(t, name.begin - around.size)) {
    const std::size_t end = quotation_end(t, at, around);  // "NAME=a value with blanks"
    mark(t, marks, at, end);
    return end;
  }
  if (const std::size_t end = mark_bracketed(t, at, marks); end != at) return end;
  return mark_value(t, at, marks);
}

// "name": value in JSON. An object is gone into, a list of values is one.
std::size_t after_json_name(std::string_view t, std::size_t at, Marks& marks) {
  at = skip_blanks(t, at);
  if (at >= t.size() || t[at] == '{') return at;
  if (quote_at(t, at).size != 0) return mark_value(t, at, marks);
  const std::size_t end =
      t[at] == '[' ? std::min(t.find(']', at), t.size())
                   : std::min(t.find_first_of(std::string_view(",}] \r\n\t\0", 8), at), t.size());
  if (t[at] == '[') ++at;
  if (t.substr(at, 4) != "null" && t.substr(at, 4) != "true" && t.substr(at, 5) != "false") {
    mark(t, marks, at, end);
  }
  return end;
}

// Name: value of a header or a line of YAML.
std::size_t after_colon(std::string_view t, std::size_t sign, const Name& name, Marks& marks) {
  const std::size_t at = skip_blanks(t, sign + 1);
  // "registry/token:5000/image" has no blank, and is no header.
  if (at == sign + 1 && !is_header(t, name)) return at;
  if (const Quote around = quote_before(t, name.begin); around.size != 0) {
    const std::size_t end = quotation_end(t, at, around);  // -H 'X-Api-Key: …'
    mark(t, marks, at, end);
    return end;
  }
  if (name.begin == 0 || t[name.begin - 1] == '\n') {
    const std::size_t end = line_end(t, at);
    mark(t, marks, at, end);
    return end;
  }
  // In the middle of a line only as much as has to be: the rest may be what was done.
  std::size_t end = value_end(t, at);
  for (const char* scheme : {"bearer", "basic", "token", "digest", "negotiate", "apikey"}) {
    if (lower(t.substr(at, end - at)) == scheme) end = value_end(t, skip_blanks(t, end));
  }
  mark(t, marks, at, end);
  return end;
}

}  // namespace

void mark_assignments(std::string_view t, Marks& marks) {
  for (std::size_t i = 1; i < t.size();) {
    if (t[i] != '=' && t[i] != ':') {
      ++i;
      continue;
    }
    const Name name = name_before(t, i);
    std::size_t next = i + 1;
    // printf 'a\nkey=x': the letter belongs to what is before the name.
    const bool escape = name.begin > 0 && t[name.begin - 1] == '\\' && name.text.starts_with('n');
    const auto shown = lower(name.text);
    const bool cookie = t[i] == ':' && (shown == "cookie" || shown == "set-cookie");
    if (!name.text.empty() &&
        (names_secret(name.text) || cookie || (escape && names_secret(name.text.substr(1))))) {
      next = t[i] == '='   ? after_equals(t, i, name, marks)
             : name.quoted ? after_json_name(t, i + 1, marks)
                           : after_colon(t, i, name, marks);
    }
    i = std::max(next, i + 1);
  }
}

}  // namespace kilnwatch::base
