#include "base/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"

namespace kilnwatch::base {
namespace {

using Marks = std::vector<bool>;  // one per byte of the text: part of a secret

bool word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}
bool space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool quote(char c) { return c == '"' || c == '\'' || c == '\\'; }

void mark(Marks& marks, std::size_t from, std::size_t to) {
  for (; from < to; ++from) marks[from] = true;
}

// From the first byte of a value to its end: the closing quote, or blank / separator.
std::size_t value_end(std::string_view t, std::size_t& at, bool line) {
  while (at < t.size() && (t[at] == ' ' || t[at] == '\t')) ++at;
  char open = 0;
  while (at < t.size() && quote(t[at])) open = t[at++];
  std::size_t end = at;
  if (line || open != 0) {
    while (end < t.size() && t[end] != '\n' && t[end] != '\r' &&
           !(t[end] == '"' || (t[end] == '\'' && open == '\'')))
      ++end;
  } else {
    while (end < t.size() && !space(t[end]) && t[end] != '&' && t[end] != '"' && t[end] != '\'')
      ++end;
  }
  return end;
}

void mark_assignments(std::string_view t, Marks& marks) {
  for (std::size_t i = 1; i < t.size(); ++i) {
    if (t[i] != '=' && t[i] != ':') continue;
    std::size_t e = i;
    while (e > 0 && (quote(t[e - 1]) || t[e - 1] == ' ')) --e;
    std::size_t b = e;
    while (b > 0 && word(t[b - 1])) --b;
    if (b == e || !names_secret(t.substr(b, e - b))) continue;
    std::size_t at = i + 1;
    const std::size_t end = value_end(t, at, t[i] == ':');
    mark(marks, at, end);
  }
}

// Flags whose next word is a secret, or holds NAME=secret / user:secret.
void mark_flags(std::string_view t, Marks& marks) {
  static constexpr std::array<std::string_view, 8> kFlags = {
      "--password", "--token", "--build-arg", "--env", "-e", "-u", "--user", "--passphrase"};
  for (const auto flag : kFlags) {
    for (std::size_t i = t.find(flag); i != t.npos; i = t.find(flag, i + 1)) {
      std::size_t at = i + flag.size();
      if ((i > 0 && word(t[i - 1])) || at >= t.size() || (!space(t[at]) && t[at] != '=')) continue;
      ++at;
      const std::size_t end = value_end(t, at, false);
      const char cut = flag == "-u" || flag == "--user" ? ':' : '=';
      if (flag == "--password" || flag == "--token" || flag == "--passphrase") {
        mark(marks, at, end);
      } else if (const auto p = t.substr(at, end - at).find(cut); p != t.npos) {
        mark(marks, at + p + 1, end);
      }
    }
  }
}

void mark_shapes(std::string_view t, Marks& marks) {
  static constexpr std::array<std::string_view, 11> kShapes = {
      "ghp_",  "gho_",  "ghs_",  "github_pat_", "glpat-", "AKIA",
      "xoxb-", "xoxp-", "xoxa-", "xoxs-",       "eyJ"};
  for (const auto shape : kShapes) {
    for (std::size_t i = t.find(shape); i != t.npos; i = t.find(shape, i + 1)) {
      std::size_t end = i;
      while (end < t.size() && word(t[end])) ++end;
      if (end - i >= shape.size() + 8) mark(marks, i, end);
    }
  }
  for (std::size_t i = t.find("://"); i != t.npos; i = t.find("://", i + 1)) {
    std::size_t end = i + 3, last = t.npos;
    for (; end < t.size() && !space(t[end]) && t[end] != '/' && t[end] != '"'; ++end)
      if (t[end] == '@') last = end;
    if (last != t.npos) mark(marks, i + 3, last);
  }
  for (std::size_t i = t.find("-----BEGIN"); i != t.npos; i = t.find("-----BEGIN", i + 1)) {
    if (t.substr(i, 60).find("PRIVATE KEY") == t.npos) continue;
    mark(marks, i, std::min(t.find("-----END", i), t.size()));
  }
}

Marks find(std::string_view t) {
  Marks marks(t.size());
  mark_assignments(t, marks);
  mark_flags(t, marks);
  mark_shapes(t, marks);
  return marks;
}

}  // namespace

bool names_secret(std::string_view name) {
  const std::string low = lower(name);
  for (const auto* part : {"token", "passw", "secret", "key", "auth", "credential", "pwd"})
    if (low.find(part) != low.npos) return true;
  return false;
}

std::string mask_text(std::string_view text) {
  const auto marks = find(text);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!marks[i]) {
      out += text[i];
    } else if (i == 0 || !marks[i - 1]) {
      out += "***";
    }
  }
  return out;
}

std::string mask_text_same_length(std::string_view text) {
  const auto marks = find(text);
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i)
    if (marks[i]) out[i] = '*';
  return out;
}

std::vector<std::string> mask_args(const std::vector<std::string>& args) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (i > 0 && args[i - 1].starts_with('-')) {
      // Judge the argument together with its flag, then drop the flag again.
      const std::string lead = args[i - 1] + " ";
      const std::string both = mask_text(lead + args[i]);
      if (both.starts_with(lead)) {
        out.push_back(args[i - 1].starts_with("--") && names_secret(args[i - 1]) &&
                              args[i - 1].find('=') == std::string::npos
                          ? "***"
                          : both.substr(lead.size()));
        continue;
      }
    }
    out.push_back(mask_text(args[i]));
  }
  return out;
}

}  // namespace kilnwatch::base
