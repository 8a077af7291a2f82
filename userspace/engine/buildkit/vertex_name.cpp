#include "engine/buildkit/vertex_name.h"

#include <algorithm>

#include "base/number.h"

namespace kilnwatch::engine::buildkit {
namespace {

using domain::VertexKind;

bool take(std::string_view& text, std::string_view lead) {
  if (!text.starts_with(lead)) return false;
  text.remove_prefix(lead.size());
  return true;
}

// "2/10"
bool read_count(std::string_view word, VertexName& name) {
  const auto slash = std::min(word.find('/'), word.size());
  const auto number = base::number_of<std::uint32_t>(word.substr(0, slash));
  const auto total = base::number_of<std::uint32_t>(word.substr(std::min(slash + 1, word.size())));
  if (!number || !total || *number == 0 || *number > *total) return false;
  name.number = *number;
  name.total = *total;
  return true;
}

// Between the brackets: [platform] [stage] number/total. A stage has no slash
// (instructions: parse.go), a platform has one.
bool read_place(std::string_view place, VertexName& name) {
  const auto blank = place.rfind(' ');
  VertexName found;
  if (!read_count(place.substr(blank == place.npos ? 0 : blank + 1), found)) return false;
  std::string_view rest = blank == place.npos ? std::string_view() : place.substr(0, blank);
  while (rest.ends_with(' ')) rest.remove_suffix(1);
  const auto gap = rest.find(' ');
  std::string_view first = rest.substr(0, gap);
  std::string_view second = gap == rest.npos ? std::string_view() : rest.substr(gap + 1);
  if (second.find(' ') != second.npos) return false;
  if (first.find('/') == first.npos) {
    if (!second.empty()) return false;
    std::swap(first, second);
  }
  found.platform = first;
  found.stage = second;
  name = found;
  return true;
}

std::string_view without_digest(std::string_view reference) {
  return reference.substr(0, reference.find('@'));
}

}  // namespace

VertexName parse_vertex_name(std::string_view full) {
  VertexName name;
  name.text = full;
  const auto end = full.find("] ");
  if (full.starts_with('[') && end != full.npos) {
    const auto place = full.substr(1, end - 1);
    std::string_view rest = full.substr(end + 2);
    const bool numbered = read_place(place, name);
    name.text = rest;
    // Also "[context NAME] load metadata for …".
    if (!numbered && take(rest, "load metadata for ")) {
      name.kind = VertexKind::kBase;
      name.text = without_digest(rest);
      return name;
    }
    if (!numbered) return name;
  }
  name.exports = name.number == 0 && name.text.starts_with("exporting to ");
  std::string_view text = name.text;
  take(text, "ONBUILD ");
  if (text.starts_with("RUN ") || text.starts_with("RUN\t")) {
    name.kind = VertexKind::kRun;
    name.text = text;
  } else if (take(text, "FROM ")) {
    name.kind = VertexKind::kBase;
    name.text = without_digest(text);
  }
  return name;
}

}  // namespace kilnwatch::engine::buildkit
