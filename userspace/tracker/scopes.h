// Where names of images and containers mean something: in one store of one engine. Each user has
// stores of their own, and so has a container.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/api_fact.h"
#include "identity/container.h"

namespace kilnwatch::tracker {

// Of podman and buildah: --root as written; empty: the user's own store.
inline std::string root_of(const std::vector<std::string>& args) {
  constexpr std::string_view kRoot = "--root";
  constexpr std::string_view kVerbs[] = {
      "build", "bud",  "from", "run",  "commit", "create", "start",   "container", "image",
      "pod",   "kube", "play", "exec", "load",   "pull",   "compose", "tag",       "rm"};
  for (auto it = args.begin(); it != args.end(); ++it) {
    // What stands behind a verb is not podman's own.
    if (std::find(std::begin(kVerbs), std::end(kVerbs), *it) != std::end(kVerbs)) return {};
    if (*it == kRoot) return it + 1 != args.end() ? *(it + 1) : std::string();
    if (it->starts_with(kRoot) && it->substr(kRoot.size()).starts_with('='))
      return it->substr(kRoot.size() + 1);
  }
  return {};
}

// No name begins so. One that is not known (no process) is nobody else's.
inline std::string store_of_command(const domain::Process& command) {
  if (command.pid == 0) return "/podman/unknown/";
  return "/podman/" + identity::container_of(command.cgroup) + "/" + std::to_string(command.uid) +
         "/" + root_of(command.args) + "/";
}

// dockerd of root, nearly always, has the empty one.
inline std::string store_of_dockerd(std::uint32_t uid) {
  return uid == 0 ? std::string() : "/docker/" + std::to_string(uid) + "/";
}

// Whose socket it is, by its folder ("/run/user/1000/podman/podman.sock").
inline std::uint32_t user_of(std::string_view path) {
  constexpr std::string_view kUsers = "/run/user/";
  std::uint32_t uid = 0;
  if (path.starts_with(kUsers))
    std::from_chars(path.data() + kUsers.size(), path.data() + path.size(), uid);
  return uid;
}

}  // namespace kilnwatch::tracker
