#include "engine/docker/dockerfile.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "base/continuation.h"
#include "base/secrets.h"
#include "base/sha256.h"
#include "base/text.h"
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

// $NAME, ${NAME} and ${NAME:-word} of the ARGs before the first FROM.
std::string expand(const std::string& text, const std::map<std::string, std::string>& args) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      out += text[i];
      continue;
    }
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    const std::size_t from = i + (braces ? 2 : 1);
    std::size_t end = from;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_'))
      ++end;
    const auto close = braces ? text.find('}', end) : end;
    if (end == from || close == text.npos) {
      out += text[i];
      continue;
    }
    const auto known = args.find(text.substr(from, end - from));
    if (known != args.end() && !known->second.empty()) {
      out += known->second;
    } else if (braces && text.compare(end, 2, ":-") == 0) {
      out += text.substr(end + 2, close - end - 2);
    }
    i = braces ? close : close - 1;
  }
  return out;
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
    current.clear();
  }
  if (current = trim(current); !current.empty()) lines.push_back(current);
  return lines;
}

}  // namespace

Dockerfile parse_dockerfile(std::string_view text) {
  Dockerfile out;
  std::map<std::string, std::string> args;
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
      image = expand(image, args);
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
