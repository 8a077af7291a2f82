#include "engine/podman/create.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/secrets.h"
#include "base/text.h"
#include "engine/created.h"
#include "engine/device_rules.h"
#include "engine/docker/mask.h"
#include "protocol/json/json.h"

namespace kilnwatch::engine::podman {
namespace {

using protocol::Json;
using protocol::json_find;
using protocol::json_string;

// Whose values are read.
constexpr std::array<std::string_view, 17> kRead = {
    "image",        "raw_image_name", "name",
    "type",         "source",         "destination",
    "nsmode",       "cap_add",        "options",
    "path",         "access",         "seccomp_profile_path",
    "unmask",       "rootfs",         "apparmor_profile",
    "selinux_opts", "volumes_from"};

// "SOURCE[:TARGET][:ACCESS]", as the client typed it (podman: pkg/util/utils.go, ParseDevice).
std::string device_of(const std::string& path) {
  const auto first = path.find(':');
  const auto last = path.rfind(':');
  const bool has_access =
      first != path.npos && path.find_first_not_of("rwm", last + 1) == path.npos;
  return path.substr(0, first) + ":" + (has_access ? path.substr(last + 1) : "rwm");
}

void take_devices(const Json& value, domain::ContainerCreated& out) {
  if (const auto* devices = json_find(value, "devices")) {
    for (const auto& [key, device] : devices->members) {
      const auto path = json_string(json_find(device, "path"));
      if (!path.empty()) add_listed(out.devices, device_of(path), out.left_out);
    }
  }
  add_device_rules(json_find(value, "device_cgroup_rule"), out.devices, out.left_out);
}

void take_confinement(const Json& value, domain::ContainerCreated& out) {
  for (const auto& [key, name] :
       {std::pair("seccomp_profile_path", "seccomp"), std::pair("apparmor_profile", "apparmor")}) {
    if (json_string(json_find(value, key)) == "unconfined") out.unconfined.emplace_back(name);
  }
  const auto labels = protocol::json_strings(json_find(value, "selinux_opts"));
  if (std::find(labels.begin(), labels.end(), "disable") != labels.end())
    out.unconfined.emplace_back("label");
  // Paths, with "*" for any, or ALL; several with colons between them.
  for (const auto& path : protocol::json_strings(json_find(value, "unmask"))) {
    const bool all = base::lower(path) == "all" || path.find('*') != path.npos;
    if (all) out.unconfined.emplace_back("masked-paths");
    if (!all && path.find("/proc/sys") == path.npos) continue;
    out.unconfined.emplace_back("read-only-paths");
    break;
  }
}

}  // namespace

std::optional<domain::ContainerCreated> parse_create(std::string_view json) {
  static constexpr std::pair<const char*, const char*> kNamespaces[] = {
      {"pidns", "pid"}, {"netns", "net"}, {"ipcns", "ipc"}, {"utsns", "uts"}, {"userns", "user"}};
  const auto value = protocol::parse_json(json);
  if (!value || !value->is_object()) return std::nullopt;
  domain::ContainerCreated out;
  // The client resolves the name that was typed to an id where it can.
  out.image = docker::safe_reference(json_string(json_find(*value, "image")));
  out.name = docker::safe_reference(json_string(json_find(*value, "name")));
  out.privileged = protocol::json_true(json_find(*value, "privileged"));
  for (const auto& cap : protocol::json_strings(json_find(*value, "cap_add")))
    add_listed(out.capabilities, cap, out.left_out);
  for (const auto& from : protocol::json_strings(json_find(*value, "volumes_from")))
    add_listed(out.volumes_from, from, out.left_out);
  // A folder of the host in the place of an image.
  if (const auto root = json_string(json_find(*value, "rootfs")); !root.empty()) {
    add_bind(out, root.substr(0, root.find(':')), "/", false);
    if (out.image.empty()) out.image = docker::safe_reference(root);
  }
  take_devices(*value, out);
  take_confinement(*value, out);
  for (const auto& [key, name] : kNamespaces) {
    const auto* space = json_find(*value, key);
    if (space != nullptr && json_string(json_find(*space, "nsmode")) == "host")
      out.host_namespaces.emplace_back(name);
  }
  const auto* mounts = json_find(*value, "mounts");
  if (mounts == nullptr) return out;
  for (const auto& [key, mount] : mounts->members) {
    if (json_string(json_find(mount, "type")) != "bind") continue;
    const auto options = protocol::json_strings(json_find(mount, "options"));
    add_bind(out, json_string(json_find(mount, "source")),
             json_string(json_find(mount, "destination")), has_read_only(options));
  }
  return out;
}

std::string masked_create(std::string_view json) {
  std::string out(json);
  std::vector<std::string> keys = {{}};  // of the containers around, outermost first
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '{' || json[i] == '[') keys.emplace_back(json[i] == '[' ? keys.back() : "");
    if ((json[i] == '}' || json[i] == ']') && keys.size() > 1) keys.pop_back();
    if (json[i] != '"') continue;
    const auto from = i + 1;
    std::size_t end = from;
    while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2 : 1;
    end = std::min(end, json.size());
    const auto next = json.find_first_not_of(" \t\r\n", end + 1);
    const auto text = json.substr(from, end - from);
    if (next != json.npos && json[next] == ':') {
      keys.back() = base::lower(text);
    } else if (std::find(kRead.begin(), kRead.end(), keys.back()) == kRead.end()) {
      std::fill(out.begin() + static_cast<std::ptrdiff_t>(from),
                out.begin() + static_cast<std::ptrdiff_t>(end), '*');
    } else {
      out.replace(from, text.size(), docker::masked_reference(text));
    }
    i = end;
  }
  return out;
}

}  // namespace kilnwatch::engine::podman
