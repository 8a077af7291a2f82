// Where the files of a build lie: paths in the root of the process that builds. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/command/arguments.h"

namespace kilnwatch::engine::command {

// What of a process decides it.
struct Surroundings {
  std::string cwd;
  std::uint32_t uid = 0;
  std::string home;       // HOME
  std::string data_home;  // XDG_DATA_HOME
};

// Of each Dockerfile the paths to try, in that order (buildah: imagebuildah/build.go; kaniko:
// cmd/executor/cmd/root.go, resolveDockerfilePath). Empty: it does not come from a file.
std::vector<std::vector<std::string>> dockerfile_paths(const Arguments& arguments,
                                                       const Surroundings& at);

// The store of that user, unless --root says otherwise (containers/storage: types/options.go).
std::string store_path(const Arguments& arguments, const Surroundings& at);

// The folder of a driver within a store: "<store>/overlay-images/images.json" …; to try in turn.
std::vector<std::string> image_lists(const std::string& store);
// Each of which may be there: containers that need not outlive a reboot have a list of their own.
std::vector<std::string> container_lists(const std::string& store);

// "<store>/overlay-containers/<id>/userdata" of a Monitor: the store; empty: no such path.
std::string store_of_bundle(const std::string& bundle);

}  // namespace kilnwatch::engine::command
