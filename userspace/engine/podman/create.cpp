#include "engine/podman/create.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/secrets.h"
#include "base/text.h"
#include "engine/created.h"
#include "engine/docker/mask.h"
#include "protocol/json/json.h"

namespace kilnwatch::engine::podman {
namespace {

using protocol::Json;
using protocol::json_find;
using protocol::json_string;

// Whose values are read.
constexpr std::array<std::string_view, 9> kRead = {"image",  "raw_image_name", "name",
                                                   "type",   "source",         "destination",
                                                   "nsmode", "cap_add",        "options"};

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
    add_listed(out.capabilities, cap);
  for (const auto& [key, name] : kNamespaces) {
    const auto* space = json_find(*value, key);
    if (space != nullptr && json_string(json_find(*space, "nsmode")) == "host")
      out.host_namespaces.emplace_back(name);
  }
  const auto* mounts = json_find(*value, "mounts");
  if (mounts == nullptr) return out;
  for (const auto& [key, mount] : mounts->members) {
    if (json_string(json_find(mount, "type")) != "bind") continue;
    add_listed(out.binds, json_string(json_find(mount, "source")) + ":" +
                              json_string(json_find(mount, "destination")));
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
