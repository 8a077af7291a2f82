#include "engine/docker/route.h"

#include <algorithm>

#include "base/secrets.h"

namespace kilnwatch::engine::docker {
namespace {

// A JSON map in a query ("buildargs={"K":"value"}", percent-encoded or not): the strings after a
// colon are values.
void mask_map_values(std::string& text, std::size_t from, std::size_t to) {
  bool in_string = false;
  bool value = false;
  for (std::size_t i = from; i < to;) {
    std::size_t width = 1;
    char c = text[i];
    if (c == '%' && i + 2 < to) {
      if (const auto decoded =
              protocol::percent_decode(std::string_view(text).substr(i, 3), false)) {
        c = decoded->front();
        width = 3;
      }
    }
    if (c == '"') {
      if (in_string) value = false;
      in_string = !in_string;
    } else if (!in_string && c == ':') {
      value = true;
    } else if (in_string) {
      // An escaped quote belongs to the string.
      const std::size_t escaped =
          c == '\\' && i + width < to ? (text[i + width] == '%' ? 3U : 1U) : 0U;
      const std::size_t whole = std::min(to - i, width + escaped);
      if (value) std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(i), whole, '*');
      width = whole;
    } else if (c == ',') {
      value = false;
    }
    i += width;
  }
}

}  // namespace

Route route_of(std::string_view method, std::string_view target) {
  Route route;
  const auto parsed = protocol::parse_target(target);
  if (!parsed) return route;
  route.path = parsed->path;
  route.query = protocol::parse_query(parsed->query);
  std::string_view path = route.path;
  if (path.starts_with("/v")) {
    const auto end = path.find('/', 1);
    const auto version = path.substr(2, end == path.npos ? 0 : end - 2);
    if (!version.empty() && version.find_first_not_of("0123456789.") == version.npos) {
      route.version = version;
      path.remove_prefix(end);
    }
  }
  if (method != "POST") return route;
  const auto inner = [&](std::string_view lead, std::string_view tail) {
    if (!path.starts_with(lead) || !path.ends_with(tail) ||
        path.size() <= lead.size() + tail.size()) {
      return false;
    }
    route.name = path.substr(lead.size(), path.size() - lead.size() - tail.size());
    return true;
  };
  if (path == "/build") {
    route.kind = Kind::kBuild;
  } else if (path == "/containers/create") {
    route.kind = Kind::kCreate;
  } else if (inner("/containers/", "/start")) {
    route.kind = Kind::kStart;
  } else if (inner("/images/", "/tag")) {
    route.kind = Kind::kTag;
  }
  return route;
}

std::string masked_target(std::string_view target) {
  std::string out = base::mask_text_same_length(target);
  for (auto at = out.find('?'); at != out.npos && at + 1 < out.size(); at = out.find('&', at + 1)) {
    const auto equals = out.find('=', at);
    const auto end = std::min(out.find('&', at + 1), out.size());
    if (equals == out.npos || equals > end) continue;
    const auto key =
        protocol::percent_decode(std::string_view(out).substr(at + 1, equals - at - 1), true);
    if (key && (*key == "buildargs" || *key == "labels")) mask_map_values(out, equals + 1, end);
  }
  return out;
}

}  // namespace kilnwatch::engine::docker
