#include "engine/docker/route.h"

namespace kilnwatch::engine::docker {

bool is_clean(std::string_view path) {
  if (!path.starts_with('/')) return false;
  path.remove_prefix(1);
  while (!path.empty()) {
    const auto end = path.find('/');
    const auto part = path.substr(0, end);
    if (part.empty() || part == "." || part == "..") return false;
    if (end == path.npos) return true;
    path.remove_prefix(end + 1);
  }
  return true;
}

std::string_view name_within(std::string_view path, std::string_view lead, std::string_view tail) {
  if (!path.starts_with(lead) || !path.ends_with(tail) || path.size() <= lead.size() + tail.size())
    return {};
  return path.substr(lead.size(), path.size() - lead.size() - tail.size());
}

Route route_of(std::string_view method, std::string_view target) {
  Route route;
  const auto parsed = protocol::parse_target(target);
  if (!parsed) return route;
  route.path = parsed->path;
  route.query.add(parsed->query);
  if (!is_clean(route.path)) return route;
  std::string_view path = route.path;
  if (path.starts_with("/v")) {
    const auto end = path.find('/', 1);
    const auto version = path.substr(2, end == path.npos ? 0 : end - 2);
    if (!version.empty() && version.find_first_not_of("0123456789.") == version.npos) {
      route.version = version;
      path.remove_prefix(end);
    }
  }
  const auto inner = [&](std::string_view lead, std::string_view tail) {
    const auto name = name_within(path, lead, tail);
    if (!name.empty()) route.name = name;
    return !name.empty();
  };
  if (method == "GET" && inner("/containers/", "/attach/ws")) route.kind = Kind::kHijack;
  if (method != "POST") return route;
  if (path == "/build") {
    route.kind = Kind::kBuild;
  } else if (path == "/containers/create") {
    route.kind = Kind::kCreate;
  } else if (path == "/images/create") {
    route.kind = route.query.first("fromImage").empty() ? Kind::kImport : Kind::kPull;
  } else if (path == "/images/load") {
    route.kind = Kind::kLoad;
  } else if (path == "/commit") {
    route.kind = Kind::kCommit;
  } else if (path == "/grpc") {
    route.kind = Kind::kBuildKit;
  } else if (path == "/session") {
    route.kind = Kind::kSession;
  } else if (inner("/containers/", "/start") || inner("/containers/", "/restart")) {
    route.kind = Kind::kStart;
  } else if (inner("/containers/", "/exec")) {
    route.kind = Kind::kExec;
  } else if (inner("/containers/", "/rename")) {
    route.kind = Kind::kRename;
  } else if (inner("/images/", "/tag")) {
    route.kind = Kind::kTag;
  } else if (inner("/images/", "/push")) {
    route.kind = Kind::kPush;
  } else if (inner("/containers/", "/attach") || inner("/exec/", "/start")) {
    route.kind = Kind::kHijack;
  }
  return route;
}

}  // namespace kilnwatch::engine::docker
