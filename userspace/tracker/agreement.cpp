#include "tracker/agreement.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "tracker/containers.h"

namespace kilnwatch::tracker {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

// Without blanks, each run of '*' as one.
std::string squeeze(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (kBlanks.find(c) != kBlanks.npos) continue;
    if (c == '*' && !out.empty() && out.back() == '*') continue;
    out += c;
  }
  return out;
}

// ["a","b"]: every argument stands in the text, in order.
bool in_order(std::string_view text, const std::vector<std::string>& argv) {
  std::size_t at = 0;
  for (const auto& arg : argv) {
    const std::string quoted = '"' + arg + '"';
    at = text.find(quoted, at);
    if (at == text.npos) return false;
    at += quoted.size();
  }
  return text.find('"', at) == text.npos;
}

}  // namespace

Agreement compare(const std::string& instruction, const std::vector<std::string>& argv, bool cut) {
  if (argv.empty() || instruction.empty()) return Agreement::kUnknown;
  const std::size_t blank = instruction.find_first_of(kBlanks);
  const std::string verb = base::lower(std::string_view(instruction).substr(0, blank));
  if (verb == "from") return Agreement::kUnknown;
  if (verb != "run" || blank == std::string::npos) return Agreement::kDiffers;
  std::string_view text = std::string_view(instruction).substr(blank);
  // RUN's own flags are no part of the command (BuildKit, buildah).
  for (auto from = text.find_first_not_of(kBlanks);
       from != text.npos && text.substr(from).starts_with("--");
       from = text.find_first_not_of(kBlanks)) {
    text.remove_prefix(std::min(text.find_first_of(kBlanks, from), text.size()));
  }
  // A here-document: its text is elsewhere.
  if (const auto from = text.find_first_not_of(kBlanks);
      from != text.npos && text.substr(from).starts_with("<<"))
    return Agreement::kUnknown;
  // JSON has U+FFFD for each byte that is no UTF-8; argv has the byte.
  if (text.find("\xef\xbf\xbd") != text.npos) return Agreement::kUnknown;

  std::string_view said = argv.back();
  if (cut) {  // the last word may be half a word, and half a secret is masked differently
    const std::size_t last = said.find_last_of(kBlanks);
    said = said.substr(0, last == said.npos ? 0 : last);
    if (said.empty()) return Agreement::kUnknown;
  }
  const std::string want = squeeze(text);
  const std::string got = squeeze(said);
  if (argv.size() > 1 && (cut ? want.starts_with(got) : want == got)) return Agreement::kAgrees;
  if (!want.starts_with("[")) return Agreement::kDiffers;
  return !cut && in_order(text, argv) ? Agreement::kAgrees : Agreement::kUnknown;
}

std::string instruction_of(const std::vector<std::string>& argv) {
  return argv.size() > 2 && argv[argv.size() - 2] == "-c" ? "RUN " + argv.back() : std::string();
}

bool agrees(const std::string& instruction, const Container& container, Agreement what) {
  return compare(instruction, container.init_args, container.args_cut) == what;
}

}  // namespace kilnwatch::tracker
