// NAME=value, "name": "value", Header: value.
#include <algorithm>

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

// NAME=value. Returns where to go on.
std::size_t after_equals(std::string_view t, std::size_t sign, const Name& name, Marks& marks) {
  std::size_t at = sign + 1;
  if (at < t.size() && t[at] == '=') return at + 1;  // a comparison, a version
  const std::size_t value = skip_blanks(t, at);
  // "NAME= word" sets nothing; "name = word" and "NAME= 'word'" do.
  if (value != at && !name.blank && quote_at(t, value).size == 0) return at;
  at = value;
  if ((name.text == "PWD" || name.text == "OLDPWD") && t.substr(at).starts_with('/')) return at;
  const Quote around = quote_before(t, name.begin);
  if (around.size != 0 && !name.quoted && quote_at(t, at).size == 0 &&
      !is_program(t, name.begin - around.size)) {
    const std::size_t end = quotation_end(t, at, around);  // "NAME=a value with blanks"
    mark(t, marks, at, end);
    return end;
  }
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
  const std::string low = lower(name.text);
  const bool header = low.find("authorization") != low.npos || low.starts_with("x-");
  // "registry/token:5000/image" has no blank, and is no header.
  if (at == sign + 1 && !header) return at;
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
    if (!name.text.empty() && names_secret(name.text)) {
      next = t[i] == '='   ? after_equals(t, i, name, marks)
             : name.quoted ? after_json_name(t, i + 1, marks)
                           : after_colon(t, i, name, marks);
    }
    i = std::max(next, i + 1);
  }
}

}  // namespace kilnwatch::base
