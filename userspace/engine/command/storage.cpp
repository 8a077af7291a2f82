#include "engine/command/storage.h"

#include <algorithm>
#include <chrono>
#include <initializer_list>

#include "base/hex_id.h"
#include "base/host_name.h"
#include "base/number.h"
#include "base/text.h"
#include "engine/created.h"
#include "engine/device_rules.h"
#include "protocol/json/json.h"

namespace kilnwatch::engine::command {
namespace {

using protocol::Json;
using protocol::json_find;
using protocol::json_string;

std::string image_id(const std::string& id) {
  return base::is_hex_id(id) ? "sha256:" + id : std::string();
}

domain::TimeNs boot_time(const Json& entry, std::uint64_t wall_offset) {
  const std::uint64_t wall = wall_time(json_string(json_find(entry, "created")));
  return wall > wall_offset ? wall - wall_offset : 0;
}

std::vector<std::string> listed(std::vector<std::string> all) {
  if (all.size() > kMaxListed) all.resize(kMaxListed);
  return all;
}

// Files that podman mounts itself lie beside the container in its store, or in its run folder.
bool is_own_mount(std::string_view source) {
  return source.find("-containers/") != source.npos && source.find("/userdata/") != source.npos;
}

void read_mounts(const Json& config, domain::StoredContainer& out) {
  const Json* mounts = json_find(config, "mounts");
  if (mounts == nullptr) return;
  for (const auto& [key, mount] : mounts->members) {
    const std::string source = json_string(json_find(mount, "source"));
    if (json_string(json_find(mount, "type")) != "bind" || !source.starts_with('/') ||
        is_own_mount(source))
      continue;
    const auto options = protocol::json_strings(json_find(mount, "options"));
    add_bind(out, source, json_string(json_find(mount, "destination")), has_read_only(options));
  }
}

void read_namespaces(const Json& config, domain::StoredContainer& out) {
  const Json* linux_part = json_find(config, "linux");
  const Json* spaces = linux_part == nullptr ? nullptr : json_find(*linux_part, "namespaces");
  if (spaces == nullptr) return;
  static constexpr std::pair<const char*, const char*> kNames[] = {
      {"pid", "pid"}, {"network", "net"}, {"ipc", "ipc"}, {"uts", "uts"}};
  for (const auto& [type, name] : kNames) {
    const bool own = std::any_of(
        spaces->members.begin(), spaces->members.end(),
        [&](const auto& one) { return json_string(json_find(one.value, "type")) == type; });
    if (!own) out.host_namespaces.emplace_back(name);
  }
}

// Of one that is not privileged: devices that it may use, and what podman hides from others.
void read_confinement(const Json& config, domain::StoredContainer& out) {
  const Json* linux_part = json_find(config, "linux");
  if (linux_part == nullptr) return;
  const Json* resources = json_find(*linux_part, "resources");
  if (resources != nullptr)
    add_device_rules(json_find(*resources, "devices"), out.devices, out.left_out);
  if (json_find(*linux_part, "maskedPaths") == nullptr) out.unconfined.emplace_back("masked-paths");
  // With the host's processes podman without root leaves them out by itself.
  const auto& spaces = out.host_namespaces;
  if (json_find(*linux_part, "readonlyPaths") == nullptr &&
      std::find(spaces.begin(), spaces.end(), "pid") == spaces.end())
    out.unconfined.emplace_back("read-only-paths");
}

}  // namespace

std::uint64_t wall_time(std::string_view text) {
  constexpr std::size_t kSeconds = 19;  // "2026-11-24T14:19:02"
  if (text.size() < kSeconds + 1 || text.back() != 'Z') return 0;
  const auto number = [&](std::size_t at, std::size_t size) {
    return base::number_of<int>(text.substr(at, size)).value_or(-1);
  };
  using namespace std::chrono;
  const int y = number(0, 4), mo = number(5, 2), d = number(8, 2), h = number(11, 2),
            mi = number(14, 2), s = number(17, 2);
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)),
                            day(static_cast<unsigned>(d))};
  if (y < 1970 || mo < 1 || d < 1 || h < 0 || mi < 0 || s < 0 || !date.ok() || text[10] != 'T')
    return 0;
  std::uint64_t fraction = 0;
  std::uint64_t unit = 100'000'000;
  for (std::size_t i = kSeconds + 1; i + 1 < text.size() && unit > 0; ++i, unit /= 10) {
    if (text[i] < '0' || text[i] > '9') return 0;
    fraction += unit * static_cast<std::uint64_t>(text[i] - '0');
  }
  const auto days = sys_days(date).time_since_epoch().count();
  return (static_cast<std::uint64_t>(days) * 86'400 + static_cast<std::uint64_t>(h * 3600) +
          static_cast<std::uint64_t>(mi * 60 + s)) *
             1'000'000'000 +
         fraction;
}

std::vector<domain::StoredImage> read_images(std::string_view json, std::uint64_t wall_offset) {
  std::vector<domain::StoredImage> out;
  const auto all = protocol::parse_json(json);
  if (!all || all->kind != Json::Kind::kArray) return out;
  for (const auto& [key, entry] : all->members) {
    domain::StoredImage image;
    image.id = image_id(json_string(json_find(entry, "id")));
    image.digest = json_string(json_find(entry, "digest"));
    if (!base::is_digest(image.digest)) image.digest.clear();
    image.names = listed(protocol::json_strings(json_find(entry, "names")));
    image.created = boot_time(entry, wall_offset);
    if (!image.id.empty()) out.push_back(std::move(image));
  }
  return out;
}

std::vector<domain::StoredContainer> read_containers(std::string_view json,
                                                     std::uint64_t wall_offset) {
  std::vector<domain::StoredContainer> out;
  const auto all = protocol::parse_json(json);
  if (!all || all->kind != Json::Kind::kArray) return out;
  for (const auto& [key, entry] : all->members) {
    domain::StoredContainer container;
    container.id = json_string(json_find(entry, "id"));
    const auto names = protocol::json_strings(json_find(entry, "names"));
    if (!names.empty()) container.name = names.front();
    container.image = image_id(json_string(json_find(entry, "image")));
    container.created = boot_time(entry, wall_offset);
    if (base::is_hex_id(container.id)) out.push_back(std::move(container));
  }
  return out;
}

void read_config(std::string_view json, domain::StoredContainer& out) {
  const auto config = protocol::parse_json(json);
  if (!config || !config->is_object()) return;
  if (const Json* notes = json_find(*config, "annotations"))
    out.privileged = json_string(json_find(*notes, "io.podman.annotations.privileged")) == "TRUE";
  read_mounts(*config, out);
  read_namespaces(*config, out);
  const Json* process = json_find(*config, "process");
  const Json* sets = process == nullptr ? nullptr : json_find(*process, "capabilities");
  if (!out.privileged) read_confinement(*config, out);
  if (sets == nullptr || out.privileged) return;
  for (std::string name : protocol::json_strings(json_find(*sets, "bounding"))) {
    if (name.starts_with("CAP_")) name.erase(0, 4);
    if (!is_usual_capability(name)) add_listed(out.capabilities, name, out.left_out);
  }
}

std::string stored_name(const std::string& tag) {
  std::string out = tag;
  const auto slash = out.find('/');
  const std::string host = slash == out.npos ? std::string() : out.substr(0, slash);
  if (!base::is_registry_host(host)) out = "localhost/" + out;
  if (out.find_first_of(":@", out.rfind('/')) == out.npos) out += ":latest";
  return out;
}

// Of a build beside which others gave the same tag, or may have.
const domain::StoredImage* sole_image(const std::vector<domain::StoredImage>& images,
                                      const BuildSpan& span, const std::vector<BuildSpan>& others) {
  const auto made = [&](const auto& image) { return span.holds(image.created); };
  const auto first = std::find_if(images.begin(), images.end(), made);
  if (first == images.end() || std::any_of(first + 1, images.end(), made)) return nullptr;
  const bool theirs = std::any_of(others.begin(), others.end(), [&](const BuildSpan& other) {
    return other.holds(first->created);
  });
  return theirs ? nullptr : &*first;
}

const domain::StoredImage* made_image(const std::vector<domain::StoredImage>& images,
                                      const std::vector<std::string>& tags, const BuildSpan& span,
                                      const std::vector<BuildSpan>& others) {
  if (!others.empty()) return sole_image(images, span, others);
  for (const std::string& tag : tags) {
    const std::string name = stored_name(tag);
    for (const auto& image : images) {
      if (std::find(image.names.begin(), image.names.end(), name) != image.names.end())
        return &image;
    }
  }
  if (!tags.empty()) return nullptr;
  const domain::StoredImage* newest = nullptr;
  for (const auto& image : images) {
    if (image.created < span.began || !image.names.empty()) continue;
    if (newest == nullptr || image.created > newest->created) newest = &image;
  }
  return newest;
}

}  // namespace kilnwatch::engine::command
