#include "engine/docker/container.h"

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

void take_host_config(const Json& config, domain::ContainerCreated& out) {
  static constexpr std::pair<const char*, const char*> kModes[] = {{"PidMode", "pid"},
                                                                   {"NetworkMode", "net"},
                                                                   {"IpcMode", "ipc"},
                                                                   {"UTSMode", "uts"},
                                                                   {"UsernsMode", "user"}};
  out.privileged = out.privileged || protocol::json_true(json_find(config, "Privileged"));
  for (auto& bind : protocol::json_strings(json_find(config, "Binds"))) add_listed(out.binds, bind);
  for (auto& cap : protocol::json_strings(json_find(config, "CapAdd")))
    add_listed(out.capabilities, cap);
  for (const auto& [key, name] : kModes) {
    if (json_string(json_find(config, key)) == "host") out.host_namespaces.emplace_back(name);
  }
  const auto* mounts = json_find(config, "Mounts");
  if (mounts == nullptr) return;
  for (const auto& [key, mount] : mounts->members) {
    const auto source = json_string(json_find(mount, "Type")) == "bind"
                            ? json_string(json_find(mount, "Source"))
                            : volume_device(mount);
    if (!source.empty())
      add_listed(out.binds, source + ":" + json_string(json_find(mount, "Target")));
  }
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
      value = true;
    }
  }
  return out;
}

}  // namespace kilnwatch::engine::docker
