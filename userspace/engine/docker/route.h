// Which API call a request is (moby: daemon/server/router, gorilla/mux matching on the decoded
// path).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/url/url.h"

namespace kilnwatch::engine::docker {

enum class Kind : std::uint8_t {
  kOther,
  kBuild,
  kCreate,
  kStart,  // or restart: both run a created container
  kExec,   // a command in a container, which is not started by it
  kRename,
  kTag,
  kPull,    // /images/create?fromImage=
  kImport,  // /images/create?fromSrc=
  kLoad,
  kCommit,
  kPush,
  kHijack,    // attach, exec start: raw after the answer
  kUnseen,    // an answer whose request was not seen
  kBuildKit,  // /grpc: HTTP/2 after the answer
  kSession,   // likewise, and the engine asks
};

struct Route {
  Kind kind = Kind::kOther;
  std::string path;     // decoded, with the version
  std::string version;  // "1.41"; empty for a bare path
  std::string name;     // kStart, kExec, kRename: container; kTag, kPush: image
  protocol::Query query;
};

// gorilla/mux cleanPath: no empty, "." or ".." segment, except an empty last one.
bool is_clean(std::string_view path);

// Of "/lead/NAME/tail" the name; empty: it is not of that form.
std::string_view name_within(std::string_view path, std::string_view lead, std::string_view tail);

// Methods are case-sensitive; an unclean path ("//build") is answered with a redirect, so it is
// kOther.
Route route_of(std::string_view method, std::string_view target);

}  // namespace kilnwatch::engine::docker
