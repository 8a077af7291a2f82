// One build that is played: who asks which builder for what, and what becomes of the image.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "corpus/plan.h"

namespace kilnwatch::test::corpus {

enum class Builder { kClassic, kBuildKit, kPodman, kPodmanApi };

struct Asker {
  std::uint32_t uid = 0;
  std::string exe = "/usr/bin/docker";
  std::vector<std::string> args = {};
  std::string cgroup = "user.slice/user-1000.slice/session-3.scope";
  std::string user_agent = "Docker-Client/26.1.5 (linux)";
  std::string tcp = {};  // comes over TCP from there, instead of by the socket
  bool in_container = false;
};

struct Run {
  std::string name;
  std::uint64_t after = 2000;  // ms after the build
  bool privileged = false;
  std::vector<std::string> binds = {};
  std::string image = {};  // instead of the build's tag
  std::string body = {};   // of the request that creates it, instead of the usual one
};

struct Build {
  std::string id;  // "benign-12", "attack ssrf-307"
  Plan plan;
  Builder builder = Builder::kBuildKit;
  Asker asker;
  std::string tag;      // empty: none
  std::string request;  // line and fields of a request of its own, without a length; empty: the
                        // client's usual one
  bool context = true;  // the client sends its Dockerfile; false: the engine fetches it
  std::string network = "default";
  std::size_t cached = 0;       // RUN steps that are in the cache
  bool rootless = false;        // podman: the resolver is slirp4netns's
  bool own_network = false;     // of compose: the resolver is docker's
  bool builds = true;           // false: only the deployment
  std::optional<Run> run = {};  // of the image
  std::uint64_t pace = 1000;    // ms of a step without a fetch
};

}  // namespace kilnwatch::test::corpus
