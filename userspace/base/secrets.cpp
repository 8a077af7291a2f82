#include "base/secrets.h"

#include <algorithm>

#include "base/secret_rules.h"
#include "base/secret_view.h"

namespace kilnwatch::base {
namespace {

// A secret that is gone can change what the text around it means: what stars in its place lead to
// is masked now, not the next time. Twice is enough for text that nobody made for this.
constexpr int kRounds = 4;

Marks find(std::string_view text) {
  View view(text);
  std::string& now = view.text();
  Marks marks(now.size());
  for (int round = 0; round < kRounds; ++round) {
    const auto before = marks;
    mark_assignments(now, marks);
    mark_commands(now, marks);
    mark_phrases(now, marks);
    mark_shapes(now, marks);
    if (marks == before) break;
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (marks[i]) now[i] = '*';
    }
  }
  return view.in_text(marks, text.size());
}

// text[from, to) with each run of marked bytes as "***". So is a run of stars that was there
// before: a secret that was masked in equal length reads as one that was masked now.
std::string masked(std::string_view text, const Marks& marks, std::size_t from, std::size_t to) {
  constexpr std::size_t kMasked = 3;
  std::string out;
  for (std::size_t i = from; i < to;) {
    std::size_t end = i;
    bool secret = false;
    for (; end < to && (marks[end] || text[end] == '*'); ++end) secret = secret || marks[end];
    if (end == i) {
      out += text[i++];
    } else {
      out.append(secret ? kMasked : std::min(end - i, kMasked), '*');
      i = end;
    }
  }
  return out;
}

}  // namespace

std::string mask_text(std::string_view text) {
  // A secret that is shorter can change what is around it, too.
  std::string out = masked(text, find(text), 0, text.size());
  for (int round = 0; round < kRounds && out != text; ++round) {
    std::string next = masked(out, find(out), 0, out.size());
    if (next == out) break;
    out = std::move(next);
  }
  return out;
}

std::string mask_text_same_length(std::string_view text) {
  const auto marks = find(text);
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (marks[i]) out[i] = '*';
  }
  return out;
}

std::vector<std::string> mask_args(const std::vector<std::string>& args) {
  // An argument is one word whatever it holds: NUL, which none can hold, stands around each.
  std::string text(1, '\0');
  for (const auto& arg : args) text.append(arg).push_back('\0');
  const auto marks = find(text);
  std::vector<std::string> out;
  std::size_t at = 1;
  for (const auto& arg : args) {
    out.push_back(masked(text, marks, at, at + arg.size()));
    at += arg.size() + 1;
  }
  return out;
}

}  // namespace kilnwatch::base
