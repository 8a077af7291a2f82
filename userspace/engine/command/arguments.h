// What a command line of podman, buildah or kaniko asks for. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/api_fact.h"

namespace kilnwatch::engine::command {

enum class Verb : std::uint8_t {
  kBuild,   // from a Dockerfile
  kFrom,    // makes a working container
  kRun,     // runs a command in it
  kCommit,  // makes an image of it
  kRemove,  // of it
};

struct Arguments {
  Verb verb = Verb::kBuild;
  // Time, call and client are not set. Tags: of kBuild and kCommit.
  domain::BuildRequested request;
  std::vector<std::string> files;  // kBuild: Dockerfiles as written; empty: looked for
  std::string context;             // kBuild: a folder, as written; empty: elsewhere, or stdin
  std::string base;                // kFrom: the image
  std::string working;             // kFrom: the name asked for; kRun …: name or id as written
  std::vector<std::string> run;    // kRun: the command
  std::string store;               // --root; empty: the default
};

// Nothing: no build, or one that another process does (podman --remote). `process` as executed,
// secrets masked (base/secrets.h). (podman: cmd/podman, pkg/domain/entities; buildah: pkg/cli,
// docs/buildah-build.1.md; kaniko: cmd/executor/cmd/root.go.)
std::optional<Arguments> read_arguments(const domain::Process& process);

// A container that podman has started: "conmon … -c <64 hex> … -b <bundle> … -n <name>" (podman:
// libpod/oci_conmon_common.go). By its file.
struct Monitor {
  std::string container_id;
  std::string bundle;  // the folder of its config.json
  std::string name;
};
// Nothing also for one that watches a command in a container that runs (podman exec).
std::optional<Monitor> read_monitor(const domain::Process& process);

// podman that serves the API: its containers are told there.
bool serves_api(const domain::Process& process);

}  // namespace kilnwatch::engine::command
