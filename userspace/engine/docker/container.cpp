#include "engine/docker/container.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/secrets.h"
#include "engine/created.h"
#include "engine/docker/mask.h"
#include "protocol/json/json.h"

namespace kilnwatch::engine::docker {
namespace {

using protocol::Json;
using protocol::json_find;
using protocol::json_string;

// The device of a local volume that is a bind mount in disguise (driver options type=none, o=bind).
std::string volume_device(const Json& mount) {
  const auto* options = json_find(mount, "VolumeOptions");
  const auto* driver = options == nullptr ? nullptr : json_find(*options, "DriverConfig");
  const auto* values = driver == nullptr ? nullptr : json_find(*driver, "Options");
  return values == nullptr ? std::string() : json_string(json_find(*values, "device"));
}

void take_devices(const Json& config, domain::ContainerCreated& out) {
  if (const auto* devices = json_find(config, "Devices")) {
    for (const auto& [key, device] : devices->members) {
      const auto path = json_string(json_find(device, "PathOnHost"));
      if (path.empty()) continue;
      const auto access = json_string(json_find(device, "CgroupPermissions"));
      add_listed(out.devices, path + ":" + (access.empty() ? "rwm" : access), out.left_out);
    }
  }
  for (auto& rule : protocol::json_strings(json_find(config, "DeviceCgroupRules")))
    add_listed(out.devices, rule, out.left_out);
}

// Given, and without that path: then it is open. Not given the engine takes its own list.
bool opens(const Json& config, const char* list, std::string_view path) {
  const auto* paths = json_find(config, list);
  if (paths == nullptr) return false;
  const auto all = protocol::json_strings(paths);
  return std::find(all.begin(), all.end(), path) == all.end();
}

void take_confinement(const Json& config, domain::ContainerCreated& out) {
  const auto add = [&out](std::string_view what) {
    if (std::find(out.unconfined.begin(), out.unconfined.end(), what) == out.unconfined.end())
      out.unconfined.emplace_back(what);
  };
  for (const auto& option : protocol::json_strings(json_find(config, "SecurityOpt"))) {
    const auto end = std::min(option.find_first_of("=:"), option.size());
    const auto what = std::string_view(option).substr(0, end);
    const auto value = std::string_view(option).substr(std::min(end + 1, option.size()));
    if (value == "unconfined" && (what == "seccomp" || what == "apparmor")) add(what);
    if (value == "disable" && what == "label") add(what);
  }
  if (opens(config, "MaskedPaths", "/proc/kcore")) add("masked-paths");
  if (opens(config, "ReadonlyPaths", "/proc/sys")) add("read-only-paths");
}

void take_host_config(const Json& config, domain::ContainerCreated& out) {
  static constexpr std::pair<const char*, const char*> kModes[] = {{"PidMode", "pid"},
                                                                   {"NetworkMode", "net"},
                                                                   {"IpcMode", "ipc"},
                                                                   {"UTSMode", "uts"},
                                                                   {"UsernsMode", "user"}};
  out.privileged = out.privileged || protocol::json_true(json_find(config, "Privileged"));
  for (auto& bind : protocol::json_strings(json_find(config, "Binds")))
    add_listed(out.binds, bind, out.left_out);
  for (auto& cap : protocol::json_strings(json_find(config, "CapAdd")))
    add_listed(out.capabilities, cap, out.left_out);
  for (auto& from : protocol::json_strings(json_find(config, "VolumesFrom")))
    add_listed(out.volumes_from, from, out.left_out);
  take_devices(config, out);
  take_confinement(config, out);
  for (const auto& [key, name] : kModes) {
    if (json_string(json_find(config, key)) == "host") out.host_namespaces.emplace_back(name);
  }
  const auto* mounts = json_find(config, "Mounts");
  if (mounts == nullptr) return;
  for (const auto& [key, mount] : mounts->members) {
    const bool bind = json_string(json_find(mount, "Type")) == "bind";
    const auto source = bind ? json_string(json_find(mount, "Source")) : volume_device(mount);
    if (source.empty()) continue;
    const bool read_only = protocol::json_true(json_find(mount, "ReadOnly"));
    // The engine mounts the file system that is on it.
    if (!bind && source.starts_with("/dev/"))
      add_listed(out.devices, source + (read_only ? ":r" : ":rw"), out.left_out);
    else
      add_bind(out, source, json_string(json_find(mount, "Target")), read_only);
  }
}

// What stands behind "seccomp=": no secret, and all that is to be known of it.
bool is_word_of_options(std::string_view text) {
  constexpr std::array<std::string_view, 2> kWords = {"unconfined\"", "disable\""};
  return std::any_of(kWords.begin(), kWords.end(),
                     [text](std::string_view word) { return text.starts_with(word); });
}

}  // namespace

std::optional<domain::ContainerCreated> parse_create(std::string_view json) {
  const auto value = protocol::parse_json(json);
  if (!value || !value->is_object()) return std::nullopt;
  domain::ContainerCreated out;
  out.image = safe_reference(json_string(json_find(*value, "Image")));
  take_host_config(*value, out);
  // A key that stands twice is decoded over the first one.
  for (const auto* config : protocol::json_all(*value, "HostConfig"))
    take_host_config(*config, out);
  return out;
}

std::string created_id(std::string_view json) {
  const auto value = protocol::parse_json(json);
  return value ? json_string(json_find(*value, "Id")) : std::string();
}

std::string masked_create(std::string_view json) {
  std::string out = base::mask_text_same_length(json);
  // Every NAME=value string of the document: Env stands anywhere and in any letter case.
  bool in_string = false;
  bool value = false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == '"') {
      in_string = !in_string;
      value = false;
    } else if (in_string && out[i] == '\\') {
      if (value && i + 1 < out.size()) out[i] = out[i + 1] = '*';
      ++i;
    } else if (in_string && value) {
      out[i] = '*';
    } else if (in_string && out[i] == '=') {
      value = !is_word_of_options(std::string_view(out).substr(i + 1));
    }
  }
  return out;
}

}  // namespace kilnwatch::engine::docker
