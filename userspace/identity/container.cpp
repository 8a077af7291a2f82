#include "identity/container.h"

#include <algorithm>

#include "base/hex_id.h"

namespace kilnwatch::identity {
namespace {

std::string_view id_in(std::string_view part, std::string_view parent) {
  constexpr std::string_view kScope = ".scope";
  if (part.ends_with(kScope)) part.remove_suffix(kScope.size());
  for (std::string_view prefix : {"docker-", "cri-containerd-", "libpod-", "crio-"}) {
    if (part.starts_with(prefix) && base::is_hex_id(part.substr(prefix.size()))) {
      return part.substr(prefix.size());
    }
  }
  if (base::is_hex_id(part)) return part;
  if (parent == "buildkit" && is_buildkit_step(part)) return part;
  const std::size_t colon = part.rfind(':');  // <slice>:docker:<id>, not taken apart by cgroupfs
  if (colon != std::string_view::npos) {
    const std::string_view tail = part.substr(colon + 1);
    if (base::is_hex_id(tail) || is_buildkit_step(tail)) return tail;
  }
  return {};
}

struct Part {
  std::string_view name;
  std::string_view id;
};

// The deepest component that names a container; what is above it is left in `rest`.
Part take_innermost(std::string_view& rest) {
  while (!rest.empty()) {
    const std::size_t slash = rest.rfind('/');
    const bool top = slash == std::string_view::npos;
    const std::string_view part = top ? rest : rest.substr(slash + 1);
    rest = top ? std::string_view{} : rest.substr(0, slash);
    const std::size_t up = rest.rfind('/');
    const std::string_view parent = up == std::string_view::npos ? rest : rest.substr(up + 1);
    if (const std::string_view id = id_in(part, parent); !id.empty()) return {part, id};
  }
  return {};
}

Part innermost(std::string_view rest) { return take_innermost(rest); }

}  // namespace

std::string container_of(const domain::Cgroup& cgroup) {
  return std::string(innermost(cgroup.path).id);
}

std::vector<std::string> containers_of(const domain::Cgroup& cgroup) {
  std::vector<std::string> found;
  std::string_view rest = cgroup.path;
  while (!rest.empty()) {
    if (const Part part = take_innermost(rest); !part.id.empty()) found.emplace_back(part.id);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

bool is_buildkit_step(std::string_view id) {
  return id.size() == 25 && id.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz") == id.npos;
}

bool runs_buildkit_step(const domain::Process& runtime, const domain::Process* parent,
                        std::string_view id, std::string_view home) {
  const auto& args = runtime.args;
  const auto has = [&](std::string_view word) {
    return std::find(args.begin(), args.end(), word) != args.end();
  };
  const auto bundle = std::find(args.begin(), args.end(), "--bundle");
  if (!is_buildkit_step(id) || !has("run") || bundle == args.end() || bundle + 1 == args.end())
    return false;
  return (bundle + 1)->ends_with("/executor/" + std::string(id)) && args.back() == id &&
         container_of(runtime.cgroup) == home &&
         (parent == nullptr || parent->comm == "dockerd" || parent->comm == "buildkitd");
}

bool of_other_namespace(const domain::Process& shim) {
  const auto at = std::find(shim.args.begin(), shim.args.end(), "-namespace");
  return at != shim.args.end() && at + 1 != shim.args.end() && *(at + 1) != "moby";
}

bool of_other_engine(const domain::Cgroup& cgroup) {
  const std::string_view name = innermost(cgroup.path).name;
  return name.starts_with("cri-containerd-") || name.starts_with("crio-") ||
         name.starts_with("libpod-");
}

}  // namespace kilnwatch::identity
