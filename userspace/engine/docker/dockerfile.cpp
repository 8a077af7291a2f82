#include "engine/docker/dockerfile.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "base/continuation.h"
#include "base/secrets.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/variables.h"
#include "engine/docker/mask.h"

namespace kilnwatch::engine::docker {
namespace {

std::string upper(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string trim(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r");
  if (from == text.npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(" \t\r") - from + 1));
}

// The words that end the texts behind an instruction: RUN <<EOF, COPY <<-"A" <<B /. BuildKit knows
// more words; any but a plain one could be a line of the classic builder's.
std::vector<std::pair<std::string, bool>> heredocs_of(const std::string& line) {
  static constexpr std::array<std::string_view, 6> kVerbs = {"RUN", "COPY", "ADD",
                                                             "CMD", "FROM", "ENTRYPOINT"};
  std::istringstream words(line);
  std::string verb, word;
  words >> verb;
  verb = upper(verb);
  if (verb == "ONBUILD") words >> verb;
  const auto at = std::find(kVerbs.begin(), kVerbs.end(), upper(verb));
  std::vector<std::pair<std::string, bool>> out;
  if (at - kVerbs.begin() >= 3) return out;
  while (words >> word && out.size() < kMaxHeredocs) {
    const auto open = word.find("<<");
    if (open == word.npos || word.find_first_not_of("0123456789") < open) continue;
    std::string name = word.substr(open + 2);
    const bool tabs = name.starts_with('-');
    name.erase(0, tabs ? 1 : 0);
    if (name.size() > 2 && (name.front() == '"' || name.front() == '\'') &&
        name.back() == name.front())
      name = name.substr(1, name.size() - 2);
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_';
    });
    if (plain && std::find(kVerbs.begin(), kVerbs.end(), upper(name)) == kVerbs.end())
      out.emplace_back(std::move(name), tabs);
  }
  return out;
}

// Takes them from the text and appends them to their instruction. One that does not end is none:
// the classic builder, which knows none, goes on with instructions.
void take_heredocs(std::string_view& text, std::string& line) {
  for (const auto& [name, tabs] : heredocs_of(line)) {
    std::string_view rest = text;
    for (bool ended = false; !ended;) {
      if (rest.empty()) return;
      const auto end = std::min(rest.find('\n'), rest.size());
      std::string_view one = rest.substr(0, end);
      rest.remove_prefix(std::min(rest.size(), end + 1));
      if (one.ends_with('\r')) one.remove_suffix(1);
      if (tabs) one.remove_prefix(std::min(one.find_first_not_of('\t'), one.size()));
      ended = one == name;
    }
    line += "\n" + std::string(text.substr(0, text.size() - rest.size()));
    while (line.ends_with('\n')) line.pop_back();
    text = rest;
  }
}

// As BuildKit's frontend/dockerfile/parser joins them: an escape character at a line's end, if it
// is not escaped itself, and blanks behind it go, blanks before the next line's text stay.
std::vector<std::string> logical_lines(std::string_view text) {
  const char escape = base::escape_character(text);
  std::vector<std::string> lines;
  std::string current;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    if (base::says_nothing(line)) continue;
    std::string_view said = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    std::size_t escapes = 0;
    while (escapes < said.size() && said[said.size() - 1 - escapes] == escape) ++escapes;
    const bool more = escapes % 2 == 1;
    current += more ? said.substr(0, said.size() - 1) : said;
    if (more) continue;
    lines.push_back(trim(current));
    take_heredocs(text, lines.back());
    current.clear();
  }
  if (current = trim(current); !current.empty()) lines.push_back(current);
  return lines;
}

}  // namespace

Dockerfile parse_dockerfile(std::string_view text) {
  Dockerfile out;
  std::map<std::string, std::string> args;  // before the first FROM
  const std::string nothing;
  std::set<std::string> stages;
  for (const auto& line : logical_lines(text)) {
    if (out.instructions.size() >= kMaxInstructions) {
      out.whole = false;
      break;
    }
    std::istringstream words(line);
    std::string verb, word;
    words >> verb;
    verb = upper(verb);
    if (verb == "ARG" && stages.empty() && out.base_images.empty()) {
      words >> word;
      const auto equals = word.find('=');
      if (equals != word.npos) args[word.substr(0, equals)] = word.substr(equals + 1);
    }
    std::string stage;
    if (verb == "FROM") {
      std::string image, as, name;
      while (words >> image && image.starts_with("--")) {
      }
      words >> as >> name;
      image = base::expand(image, [&](const std::string& variable) {
        const auto known = args.find(variable);
        return known == args.end() ? &nothing : &known->second;
      });
      if (!stages.contains(upper(image)) && image != "scratch") {
        auto base = safe_reference(image);
        auto& all = out.base_images;
        if (std::find(all.begin(), all.end(), base) == all.end()) all.push_back(std::move(base));
      }
      stages.insert(upper(name));
      stage = base::lower(name);
    }
    out.instructions.push_back(
        {base::mask_text(line), verb == "RUN", verb == "FROM", std::move(stage)});
  }
  return out;
}

domain::DockerfileSeen seen_dockerfile(std::string_view text, domain::TimeNs time,
                                       domain::CallId call) {
  auto parsed = parse_dockerfile(text);
  return {time,
          call,
          base::mask_text(text),
          base::sha256_hex(text),
          std::move(parsed.base_images),
          std::move(parsed.instructions),
          parsed.whole};
}

}  // namespace kilnwatch::engine::docker
