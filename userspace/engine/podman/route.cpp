#include "engine/podman/route.h"

namespace kilnwatch::engine::podman {
namespace {

using docker::Kind;

// The version of "/v1.41/…" or "/v5.0.0-rc1/…": VersionedPath of server/handler_api.go.
std::string_view version_of(std::string_view path) {
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::string_view kRest =
      "0123456789.-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  if (!path.starts_with("/v")) return {};
  const auto end = path.find('/', 1);
  if (end == path.npos || end == 2) return {};
  const auto version = path.substr(2, end - 2);
  const bool fits = kDigits.find(version.front()) != kDigits.npos &&
                    version.find_first_not_of(kRest) == version.npos;
  return fits ? version : std::string_view{};
}

Kind kind_of(std::string_view path, Route& route) {
  const auto named = [&](std::string_view lead, std::string_view tail, bool one_segment) {
    const auto name = docker::name_within(path, lead, tail);
    if (name.empty() || (one_segment && name.find('/') != name.npos)) return false;
    route.name = protocol::percent_decode(name, false).value_or(std::string(name));
    return true;
  };
  if (path == "/build") return Kind::kBuild;
  if (path == "/containers/create") return Kind::kCreate;
  if (path == "/images/load") return Kind::kLoad;
  if (path == "/commit") return Kind::kCommit;
  if (named("/containers/", "/start", true) || named("/containers/", "/restart", true))
    return Kind::kStart;
  if (named("/containers/", "/exec", true)) return Kind::kExec;
  if (named("/containers/", "/rename", true)) return Kind::kRename;
  if (named("/images/", "/tag", false)) return Kind::kTag;
  if (named("/containers/", "/attach", true) || named("/exec/", "/start", true))
    return Kind::kHijack;
  if (route.libpod) {
    route.local = path == "/local/build" || path == "/local/images/load";
    if (path == "/local/build") return Kind::kBuild;
    if (path == "/local/images/load") return Kind::kLoad;
    if (path == "/images/pull") return Kind::kPull;
    return path == "/images/import" ? Kind::kImport : Kind::kOther;
  }
  if (path != "/images/create") return Kind::kOther;
  // Routes match on these keys as they stand (mux Queries).
  if (!route.query.first("fromImage").empty()) return Kind::kPull;
  return route.query.first("fromSrc").empty() ? Kind::kOther : Kind::kImport;
}

}  // namespace

Route route_of(std::string_view method, std::string_view target) {
  Route route;
  const auto parsed = protocol::parse_target(target);
  if (!parsed) return route;
  route.path = parsed->path;
  route.query.add(parsed->query);
  if (method != "POST" || !docker::is_clean(parsed->written)) return route;
  std::string_view path = parsed->written;
  if (const auto version = version_of(path); !version.empty()) {
    route.version = version;
    path.remove_prefix(2 + version.size());
  }
  constexpr std::string_view kLibpod = "/libpod/";
  if (path.starts_with(kLibpod)) {
    if (route.version.empty()) return route;
    route.libpod = true;
    path.remove_prefix(kLibpod.size() - 1);
  }
  route.kind = kind_of(path, route);
  return route;
}

}  // namespace kilnwatch::engine::podman
