#include "engine/docker/container.h"

#include <utility>

#include "base/secrets.h"
#include "protocol/json/json.h"

namespace kilnwatch::engine::docker {
namespace {

using protocol::json_find;
using protocol::json_string;

void take_host_config(const boost::json::value& config, domain::ContainerCreated& out) {
  static constexpr std::pair<const char*, const char*> kModes[] = {{"PidMode", "pid"},
                                                                   {"NetworkMode", "net"},
                                                                   {"IpcMode", "ipc"},
                                                                   {"UTSMode", "uts"},
                                                                   {"UsernsMode", "user"}};
  out.privileged = out.privileged || protocol::json_true(json_find(config, "Privileged"));
  for (auto& bind : protocol::json_strings(json_find(config, "Binds")))
    out.binds.push_back(base::mask_text(bind));
  for (auto& cap : protocol::json_strings(json_find(config, "CapAdd")))
    out.capabilities.push_back(std::move(cap));
  for (const auto& [key, name] : kModes) {
    if (json_string(json_find(config, key)) == "host") out.host_namespaces.emplace_back(name);
  }
  const auto* mounts = json_find(config, "Mounts");
  if (mounts == nullptr || !mounts->is_array()) return;
  for (const auto& mount : mounts->get_array()) {
    if (json_string(json_find(mount, "Type")) != "bind") continue;
    out.binds.push_back(base::mask_text(json_string(json_find(mount, "Source")) + ":" +
                                        json_string(json_find(mount, "Target"))));
  }
}

}  // namespace

domain::ContainerCreated parse_create(std::string_view json) {
  domain::ContainerCreated out;
  const auto value = protocol::parse_json(json);
  if (!value) return out;
  out.image = base::mask_text(json_string(json_find(*value, "Image")));
  take_host_config(*value, out);
  if (const auto* config = json_find(*value, "HostConfig"); config != nullptr)
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
