// Secrets that follow a word, without a sign between: ENV NAME x, netrc's password x, SQL.
#include <algorithm>
#include <array>

#include "base/secret_rules.h"
#include "base/secrets.h"
#include "base/text.h"

namespace kilnwatch::base {
namespace {

std::size_t over_blanks(std::string_view t, std::size_t at) {
  while (at < t.size() && (t[at] == ' ' || t[at] == '\t')) ++at;
  return at;
}

std::size_t name_end(std::string_view t, std::size_t at) {
  while (at < t.size() && is_name_char(t[at])) ++at;
  return at;
}

bool equals(std::string_view text, std::string_view word) {
  return text.size() == word.size() && lower(text) == word;
}

// What may stand before an instruction on its line, blanks left out.
bool leads_instruction(std::string_view t) {
  constexpr std::size_t kLongest = 32;
  if (t.size() > kLongest) return false;
  std::string lead = lower(t);
  std::erase_if(lead, [](char c) { return c == ' ' || c == '\t'; });
  if (lead.ends_with("onbuild")) lead.resize(lead.size() - 7);
  if (lead.empty()) return true;
  // The builder's "Step 2/3 : ".
  return lead.starts_with("step") && lead.ends_with(':') &&
         lead.find_first_not_of("0123456789/:", 4) == lead.npos;
}

// ENV NAME a value with blanks, LABEL likewise. `line` is where the line or the quotation begins.
std::size_t mark_instruction(std::string_view t, std::size_t line, std::size_t end, Marks& marks) {
  const Quote around = quote_before(t, line);
  const std::size_t at = over_blanks(t, end);
  const Quote quote = quote_at(t, at);
  const std::size_t name = at + (quote.mark == '\0' ? 0 : quote.size);
  std::size_t behind = name_end(t, name);
  if (!names_secret(t.substr(name, behind - name))) return end;
  if (quote.size != 0 && quote_at(t, behind).size != 0) behind += quote_at(t, behind).size;
  const std::size_t from = over_blanks(t, behind);
  if (from == behind || from >= t.size() || t[from] == '=') return end;
  std::size_t to = std::min(t.find_first_of(std::string_view("\r\n\0", 3), from), t.size());
  if (around.size != 0) to = std::min(to, quotation_end(t.substr(0, to), from, around));
  // The end of a line in JSON.
  while (to > from && (is_blank(t[to - 1]) || t.substr(to - 2, 2) == "\\n")) {
    to -= is_blank(t[to - 1]) ? 1 : 2;
  }
  const auto one = t.substr(0, to);
  if (value_end(one, from) == to) return mark_value(one, from, marks);
  mark(t, marks, from, to);
  return to;
}

void mark_instructions(std::string_view t, Marks& marks) {
  std::size_t line = 0;
  for (std::size_t i = 0; i < t.size();) {
    const char c = t[i];
    if (c == '\n' || c == '\0' || c == '"' || c == '\'') line = i + 1;
    if (!is_name_char(c)) {
      ++i;
      continue;
    }
    const std::size_t end = name_end(t, i);
    const auto word = t.substr(i, end - i);
    const bool verb = equals(word, "env") || equals(word, "label") || equals(word, "arg");
    const bool blank = end < t.size() && (t[end] == ' ' || t[end] == '\t');
    i = verb && blank && leads_instruction(t.substr(line, i - line))
            ? mark_instruction(t, line, end, marks)
            : end;
  }
}

// The escape of a line's end or a tab, as printf reads it.
bool is_escape(std::string_view t, std::size_t at) {
  return t.substr(at, 2) == "\\n" || t.substr(at, 2) == "\\t";
}

std::size_t over_gaps(std::string_view t, std::size_t at) {
  while (at < t.size() && (is_blank(t[at]) || is_escape(t, at))) at += is_blank(t[at]) ? 1 : 2;
  return at;
}

// The value of a netrc token ends at a blank, an escape that another token follows, or a quote.
std::size_t token_end(std::string_view t, std::size_t at) {
  const std::size_t end = quote_at(t, at).size != 0 ? value_end(t, at) : [&] {
    std::size_t i = at;
    while (i < t.size() && !is_blank(t[i]) && quote_at(t, i).size == 0) ++i;
    return i;
  }();
  for (std::size_t i = at; i < end; ++i) {
    if (!is_escape(t, i)) continue;
    const auto word = t.substr(i + 2, name_end(t, i + 2) - i - 2);
    if (i + 2 >= end || word == "machine" || word == "login" || word == "password" ||
        word == "account" || word == "default" || word == "macdef") {
      return i;
    }
  }
  return end;
}

// The pairs of a netrc from `at`, which is behind a value; returns where they end.
std::size_t mark_pairs(std::string_view t, std::size_t at, Marks& marks) {
  for (;;) {
    const std::size_t key = over_gaps(t, at);
    const auto word = t.substr(key, name_end(t, key) - key);
    const std::size_t value = over_gaps(t, key + word.size());
    const bool known = word == "login" || word == "account" || word == "password";
    if (!known || key == at || value == key + word.size()) return at;
    at = token_end(t, value);
    if (word == "password") mark(t, marks, value, at);
  }
}

// machine h login u password x. Also without its beginning: text is cut, and there is "default".
void mark_netrc(std::string_view t, Marks& marks) {
  for (std::size_t i = 0; i < t.size();) {
    if (!is_name_char(t[i])) {
      ++i;
      continue;
    }
    if (i > 0 && is_escape(t, i - 1)) ++i;
    const std::size_t end = name_end(t, i);
    const auto word = t.substr(i, end - i);
    const std::size_t value = over_gaps(t, end);
    const bool pair = (word == "machine" || word == "login") && value != end;
    i = std::max(pair ? mark_pairs(t, token_end(t, value), marks) : end, i + 1);
  }
}

// password 'x', IDENTIFIED BY 'x', PASSWORD('x')
void mark_sql(std::string_view t, Marks& marks) {
  bool identified = false;
  for (std::size_t i = 0; i < t.size();) {
    if (!is_name_char(t[i])) {
      ++i;
      continue;
    }
    const std::size_t end = name_end(t, i);
    const auto word = t.substr(i, end - i);
    const bool says = equals(word, "password") || (identified && equals(word, "by"));
    identified = equals(word, "identified") || (identified && !says);
    i = end;
    if (!says) continue;
    std::size_t at = over_blanks(t, end);
    if (at < t.size() && t[at] == '(') at = over_blanks(t, at + 1);
    const Quote quote = quote_at(t, at);
    const std::size_t from = at + quote.size;
    // A mark that is attached, or that nothing is attached to, closes what is around it.
    if (at == end || quote.size == 0 || quote.mark == '\0' || from >= t.size() ||
        is_blank(t[from]) || t[from] == ';' || t[from] == ')') {
      continue;
    }
    i = quotation_end(t, from, quote);
    mark(t, marks, from, i);
  }
}

}  // namespace

void mark_phrases(std::string_view t, Marks& marks) {
  mark_instructions(t, marks);
  mark_netrc(t, marks);
  mark_sql(t, marks);
}

}  // namespace kilnwatch::base
