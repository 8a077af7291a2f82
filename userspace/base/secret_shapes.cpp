// Secrets that are known by how they look.
#include <algorithm>
#include <array>

#include "base/secret_rules.h"
#include "base/text.h"

namespace kilnwatch::base {
namespace {

struct Shape {
  std::string_view prefix;
  std::size_t least;  // characters after it
  bool plain;         // letters and digits only
};

// From the issuers' documentation; the least lengths are below the real ones, since text is cut.
constexpr std::array<Shape, 30> kShapes = {{
    {"ghp_", 12, true},      {"gho_", 12, true},     {"ghu_", 12, true},
    {"ghs_", 12, true},      {"ghr_", 12, true},     {"github_pat_", 12, false},
    {"glpat-", 12, false},   {"gldt-", 12, false},   {"glrt-", 12, false},
    {"AKIA", 12, true},      {"ASIA", 12, true},     {"xoxb-", 10, false},
    {"xoxp-", 10, false},    {"xoxa-", 10, false},   {"xoxs-", 10, false},
    {"xoxr-", 10, false},    {"xapp-", 10, false},   {"eyJ", 14, false},
    {"npm_", 30, true},      {"sk-", 20, false},     {"sk_live_", 12, true},
    {"rk_live_", 12, true},  {"sk_test_", 12, true}, {"AIza", 30, false},
    {"ya29.", 20, false},    {"hvs.", 20, false},    {"dckr_pat_", 12, false},
    {"pypi-AgE", 20, false}, {"dop_v1_", 20, true},  {"whsec_", 20, true},
}};

bool is_letter_or_digit(char c) { return is_name_char(c) && c != '-' && c != '_' && c != '.'; }

// The word that begins at `at` is one of the shapes.
bool has_shape(std::string_view word) {
  for (const Shape& shape : kShapes) {
    if (!word.starts_with(shape.prefix)) continue;
    const auto rest = word.substr(shape.prefix.size());
    const auto end =
        std::find_if_not(rest.begin(), rest.end(), shape.plain ? is_letter_or_digit : is_name_char);
    if (static_cast<std::size_t>(end - rest.begin()) >= shape.least) return true;
  }
  return false;
}

void mark_tokens(std::string_view t, Marks& marks) {
  for (std::size_t i = 0; i < t.size();) {
    if (!is_name_char(t[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < t.size() && is_name_char(t[end])) ++end;
    // A shape may follow a prefix of the same letters, "x-ghp_…": each part is tried, and the
    // bound of a part's length keeps that linear.
    constexpr std::size_t kLook = 64;
    for (std::size_t k = i; k < end; ++k) {
      if (k != i && is_letter_or_digit(t[k - 1])) continue;
      if (!has_shape(t.substr(k, std::min(end - k, kLook)))) continue;
      mark(t, marks, k, end);
      break;
    }
    i = end;
    // "Bearer x" without the name of the header.
    if (i >= 6 && lower(t.substr(i - 6, 6)) == "bearer" && i < t.size() && t[i] == ' ') {
      std::size_t to = i + 1;
      while (to < t.size() && (is_name_char(t[to]) ||
                               std::string_view("~+/=").find(t[to]) != std::string_view::npos)) {
        ++to;
      }
      constexpr std::size_t kLeastBearer = 16;
      if (to - i - 1 >= kLeastBearer) {
        mark(t, marks, i + 1, to);
        i = to;
      }
    }
  }
}

void mark_userinfo(std::string_view t, Marks& marks) {
  for (std::size_t i = t.find("://"); i != t.npos; i = t.find("://", i + 3)) {
    const std::size_t begin = i + 3;
    std::size_t at = t.npos, end = begin;
    const auto ends = [t](std::size_t k) {
      return is_blank(t[k]) || t[k] == '/' || t[k] == '"' || t[k] == '\'' ||
             t.substr(k, 3) == "***";  // masked before; a '/' may have stood in it
    };
    for (; end < t.size() && !ends(end); ++end) {
      if (t[end] == '@') at = end;
    }
    // Masked before, in equal length: as short as any other.
    if (const auto stars = std::min(t.find_first_not_of('*', begin), t.size());
        stars > begin && t.substr(stars, 1) == "@") {
      at = stars;
    }
    // git@ is how everyone reaches a repository.
    if (at != t.npos && t.substr(begin, at - begin) != "git") mark(t, marks, begin, at);
  }
}

// Host: user:secret@host, against the standard, at the start of a line.
void mark_host_field(std::string_view t, Marks& marks) {
  constexpr std::string_view kName = "host:";
  for (std::size_t line = 0; line < t.size();) {
    const std::size_t end =
        std::min(t.find_first_of(std::string_view("\r\n\0", 3), line), t.size());
    if (lower(t.substr(line, kName.size())) == kName) {
      const auto value = t.find_first_not_of(" \t", line + kName.size());
      const auto sign = t.substr(line, end - line).rfind('@');
      if (sign != t.npos && value < line + sign) mark(t, marks, value, line + sign);
    }
    line = end + 1;
  }
}

// "-----BEGIN RSA PRIVATE KEY": the kind is in capitals.
bool begins_private_key(std::string_view t) {
  constexpr std::size_t kLongestTitle = 48;
  constexpr std::string_view kBegin = "-----BEGIN ", kKey = "PRIVATE KEY";
  if (!t.starts_with(kBegin)) return false;
  t = t.substr(kBegin.size(), kLongestTitle);
  const auto end = t.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ");
  return t.substr(0, end).find(kKey) != t.npos;
}

void mark_private_keys(std::string_view t, Marks& marks) {
  for (std::size_t i = t.find("-----BEGIN"); i != t.npos;) {
    std::size_t end = i + 1;
    if (begins_private_key(t.substr(i))) {
      end = std::min(t.find("-----END", i), t.size());
      mark(t, marks, i, end);
    }
    i = t.find("-----BEGIN", end);
  }
}

}  // namespace

void mark_shapes(std::string_view t, Marks& marks) {
  mark_tokens(t, marks);
  mark_userinfo(t, marks);
  mark_host_field(t, marks);
  mark_private_keys(t, marks);
}

}  // namespace kilnwatch::base
