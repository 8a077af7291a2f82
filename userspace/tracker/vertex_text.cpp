#include "tracker/vertex_text.h"

#include <algorithm>
#include <string_view>

namespace kilnwatch::tracker {
namespace {

constexpr char kAny = '\1';                            // stands for any text, also none
constexpr std::size_t kMaxCompared = 1 << 18;          // pairs of places, see common
constexpr std::string_view kSkipped = " \t\r\n\\'\"";  // do not count

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The end of the variable that begins at `at` with its dollar; `at`: none does.
std::size_t variable_end(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  if (end < text.size() && text[end] == '{') {
    const auto close = text.find('}', end);
    return close == text.npos ? at : close + 1;
  }
  while (end < text.size() && is_word(text[end])) ++end;
  return end == at + 1 ? at : end;
}

// What counts of a text. `variables`: they stand for anything.
std::string pattern_of(std::string_view text, bool variables) {
  constexpr std::string_view kMasked = "***";
  std::string out;
  const auto any = [&out] {
    if (out.empty() || out.back() != kAny) out += kAny;
  };
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    if (text.substr(i).starts_with(kMasked)) {
      while (end < text.size() && text[end] == '*') ++end;
    } else if (variables && text[i] == '$') {
      end = variable_end(text, i);
    }
    if (end > i) {
      any();
      i = end;
      continue;
    }
    char c = text[i++];
    if (kSkipped.find(c) != kSkipped.npos) continue;
    if (c == kAny) c = ' ';
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

// Whether some text is both.
Agreement common(std::string_view a, std::string_view b) {
  const auto same = [](char x, char y) { return x == y && x != kAny; };
  while (!a.empty() && !b.empty() && same(a.front(), b.front())) {
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  while (!a.empty() && !b.empty() && same(a.back(), b.back())) {
    a.remove_suffix(1);
    b.remove_suffix(1);
  }
  if (a.empty() && b.empty()) return Agreement::kAgrees;
  if (a.find(kAny) == a.npos && b.find(kAny) == b.npos) return Agreement::kDiffers;
  if (a.size() * b.size() > kMaxCompared) return Agreement::kUnknown;
  // fits[j]: the rest of a and the rest of b from j have a text in common.
  std::vector<char> below(b.size() + 1), fits(b.size() + 1);
  for (std::size_t i = a.size() + 1; i-- > 0; below.swap(fits)) {
    for (std::size_t j = b.size() + 1; j-- > 0;) {
      const bool end_a = i == a.size(), end_b = j == b.size();
      bool good = end_a && end_b;
      if (!end_a && a[i] == kAny) good = good || below[j] != 0 || (!end_b && fits[j + 1] != 0);
      if (!end_b && b[j] == kAny) good = good || fits[j + 1] != 0 || (!end_a && below[j] != 0);
      if (!end_a && !end_b && same(a[i], b[j])) good = good || below[j + 1] != 0;
      fits[j] = good ? 1 : 0;
    }
  }
  return below[0] != 0 ? Agreement::kAgrees : Agreement::kDiffers;
}

// Behind "RUN" and its flags.
std::string_view command_of(std::string_view name) {
  const auto skip = [&name] {
    name.remove_prefix(std::min(name.find_first_not_of(" \t\r\n"), name.size()));
  };
  name.remove_prefix(3);
  for (skip(); name.starts_with("--"); skip())
    name.remove_prefix(std::min(name.find_first_of(" \t\r\n"), name.size()));
  return name;
}

}  // namespace

Agreement compare_vertex(const std::string& name, const std::vector<std::string>& argv, bool cut) {
  if (argv.empty() || name.size() < 3) return Agreement::kUnknown;
  const auto command = command_of(name);
  if (command.find("<<") != command.npos) return Agreement::kUnknown;
  if (command.starts_with('[')) return compare("RUN " + std::string(command), argv, cut);
  if (argv.size() < 2) return Agreement::kDiffers;
  std::string said = argv.back();
  if (cut) {  // the last word may be half a word, and half a secret is masked differently
    const auto last = said.find_last_of(" \t\r\n");
    said.resize(last == said.npos ? 0 : last);
    said += "***";
  }
  const std::string told = pattern_of(command, false), seen = pattern_of(said, true);
  constexpr std::string_view kNothing("\1");
  if (told == kNothing || seen == kNothing) return Agreement::kUnknown;  // says nothing
  return common(told, seen);
}

}  // namespace kilnwatch::tracker
