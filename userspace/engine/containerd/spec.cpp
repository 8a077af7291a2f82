#include "engine/containerd/spec.h"

#include <algorithm>
#include <array>

#include "engine/containerd/json_mask.h"
#include "engine/created.h"
#include "engine/device_rules.h"
#include "protocol/json/json.h"

namespace kilnwatch::engine::containerd {
namespace {

using protocol::Json;
using protocol::json_find;
using protocol::json_string;
using protocol::json_strings;

constexpr std::array<std::string_view, 20> kKeys = {
    "process",   "capabilities", "bounding",   "mounts", "type",        "source", "destination",
    "options",   "linux",        "namespaces", "path",   "maskedPaths", "root",   "ociVersion",
    "resources", "devices",      "allow",      "major",  "minor",       "access"};
constexpr std::array<std::string_view, 8> kValues = {
    "bounding", "type", "source", "destination", "options", "path", "maskedPaths", "access"};

// What a client that sets up names itself mounts into every container.
constexpr std::array<std::string_view, 3> kNames = {"/etc/hosts", "/etc/hostname",
                                                    "/etc/resolv.conf"};

template <class List>
bool one_of(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

void take_mounts(const Json* mounts, domain::ContainerCreated& out) {
  if (mounts == nullptr) return;
  for (const auto& [key, mount] : mounts->members) {
    const auto options = json_strings(json_find(mount, "options"));
    const bool bind = one_of(options, "bind") || one_of(options, "rbind") ||
                      json_string(json_find(mount, "type")) == "bind";
    const auto source = json_string(json_find(mount, "source"));
    const auto to = json_string(json_find(mount, "destination"));
    if (!bind || source.empty() || (one_of(kNames, to) && source.ends_with(to.substr(4)))) continue;
    add_bind(out, source, to, has_read_only(options));
  }
}

// A namespace that is not named is the one of the runtime, so the host's.
void take_namespaces(const Json* namespaces, domain::ContainerCreated& out) {
  static constexpr std::pair<std::string_view, std::string_view> kKinds[] = {
      {"pid", "pid"}, {"network", "net"}, {"ipc", "ipc"}, {"uts", "uts"}};
  for (const auto& [kind, name] : kKinds) {
    bool own = false;
    if (namespaces != nullptr) {
      for (const auto& [key, space] : namespaces->members)
        own = own || (json_string(json_find(space, "type")) == kind &&
                      !json_string(json_find(space, "path")).starts_with("/proc/1/"));
    }
    if (!own) out.host_namespaces.emplace_back(name);
  }
}

}  // namespace

bool read_spec(std::string_view json, domain::ContainerCreated& out) {
  const auto value = protocol::parse_json(json);
  if (!value || !value->is_object()) return false;
  const auto* process = json_find(*value, "process");
  const auto* caps = process == nullptr ? nullptr : json_find(*process, "capabilities");
  bool admin = false;
  for (const auto& cap : json_strings(caps == nullptr ? nullptr : json_find(*caps, "bounding"))) {
    admin = admin || cap == "CAP_SYS_ADMIN";
    if (!cap.starts_with("CAP_") || !is_usual_capability(std::string_view(cap).substr(4)))
      add_listed(out.capabilities, cap, out.left_out);
  }
  take_mounts(json_find(*value, "mounts"), out);
  const auto* linux_part = json_find(*value, "linux");
  const bool there = linux_part != nullptr;
  take_namespaces(there ? json_find(*linux_part, "namespaces") : nullptr, out);
  // As engines understand --privileged: all that is masked of /proc otherwise is open.
  out.privileged =
      admin && json_strings(there ? json_find(*linux_part, "maskedPaths") : nullptr).empty();
  const auto* resources = there ? json_find(*linux_part, "resources") : nullptr;
  if (resources != nullptr)
    add_device_rules(json_find(*resources, "devices"), out.devices, out.left_out);
  return true;
}

std::string masked_spec(std::string_view json) { return masked_json(json, kKeys, kValues); }

}  // namespace kilnwatch::engine::containerd
