#include "engine/command/places.h"

#include <string_view>

#include "domain/builder.h"

namespace kilnwatch::engine::command {
namespace {

using domain::EngineKind;

constexpr const char* kDrivers[] = {"overlay", "vfs", "btrfs", "zfs"};

std::string joined(const std::string& folder, const std::string& path) {
  if (path.starts_with('/')) return path;
  return folder + (folder.ends_with('/') ? "" : "/") + path;
}

}  // namespace

std::vector<std::vector<std::string>> dockerfile_paths(const Arguments& arguments,
                                                       const Surroundings& at) {
  std::vector<std::vector<std::string>> out;
  const std::string context =
      arguments.context.empty() ? std::string() : joined(at.cwd, arguments.context);
  if (arguments.files.empty()) {
    if (context.empty()) return out;
    // A context that is a file is the Dockerfile itself.
    if (arguments.request.engine != EngineKind::kKaniko)
      out.push_back({joined(context, "Containerfile"), joined(context, "Dockerfile"), context});
    else
      out.push_back({joined(at.cwd, "Dockerfile"), joined(context, "Dockerfile")});
    return out;
  }
  for (const std::string& file : arguments.files) {
    if (file == "-" || file.find("://") != file.npos) return {};
    std::vector<std::string> places{joined(at.cwd, file)};
    if (!context.empty() && !file.starts_with('/')) places.push_back(joined(context, file));
    out.push_back(std::move(places));
  }
  return out;
}

std::string store_path(const Arguments& arguments, const Surroundings& at) {
  if (!arguments.store.empty()) return joined(at.cwd, arguments.store);
  if (at.uid == 0) return "/var/lib/containers/storage";
  const std::string data = at.data_home.empty() ? joined(at.home, ".local/share") : at.data_home;
  return joined(data, "containers/storage");
}

std::vector<std::string> image_lists(const std::string& store) {
  std::vector<std::string> out;
  for (const char* driver : kDrivers) out.push_back(store + "/" + driver + "-images/images.json");
  return out;
}

std::vector<std::string> container_lists(const std::string& store) {
  std::vector<std::string> out;
  for (const char* driver : kDrivers) {
    const std::string folder = store + "/" + driver + "-containers/";
    out.push_back(folder + "containers.json");
    out.push_back(folder + "volatile-containers.json");
  }
  return out;
}

std::string store_of_bundle(const std::string& bundle) {
  constexpr std::string_view kEnd = "/userdata";
  if (!bundle.starts_with('/') || !bundle.ends_with(kEnd)) return {};
  const std::string container = bundle.substr(0, bundle.size() - kEnd.size());
  const std::string list = container.substr(0, container.rfind('/'));
  return list.ends_with("-containers") ? list.substr(0, list.rfind('/')) : std::string();
}

}  // namespace kilnwatch::engine::command
