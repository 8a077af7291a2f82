#include "decode/fields.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/secrets.h"
#include "base/text.h"

namespace kilnwatch::decode {

domain::Endpoint endpoint_of(const kw_address& address) {
  static constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0,    0,
                                                            0, 0, 0, 0, 0xff, 0xff};
  const bool zero = std::all_of(std::begin(address.ip), std::end(address.ip),
                                [](unsigned char byte) { return byte == 0; });
  if (zero && address.port == 0) return {};
  const bool ipv4 = std::memcmp(address.ip, kMapped.data(), kMapped.size()) == 0;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (ipv4) {
    inet_ntop(AF_INET, address.ip + kMapped.size(), text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, address.ip, text.data(), text.size());
  }
  return {text.data(), address.port};
}

std::string cgroup_path(std::string_view field) {
  std::string path;
  while (!field.empty()) {
    const std::string_view component = field.substr(0, field.find('\0'));
    // The root's name is empty or "/": nothing of it belongs in the path.
    if (component.empty() || component == "/") break;
    path = path.empty() ? std::string(component) : std::string(component) + "/" + path;
    field.remove_prefix(std::min(field.size(), component.size() + 1));
  }
  return path;
}

std::vector<std::string> arguments(std::string_view argv) {
  return base::mask_args(base::split_nul(argv));
}

std::string unix_path(std::string_view field) {
  if (field.empty()) return {};
  const bool abstract = field.front() == '\0';
  if (abstract) field.remove_prefix(1);
  const std::string_view name = field.substr(0, field.find('\0'));
  if (name.empty()) return {};
  return (abstract ? "@" : "") + std::string(name);
}

domain::Process process_of(const kw_task& task) {
  domain::Process process;
  process.pid = task.pid;
  process.ppid = task.ppid;
  process.start = task.start_ns;
  process.uid = task.uid;
  process.loginuid = task.loginuid;
  process.comm = text_of(task.comm);
  process.cgroup.id = task.cgroup_id;
  process.cgroup.path = cgroup_path({task.cgroup, sizeof(task.cgroup)});
  return process;
}

}  // namespace kilnwatch::decode
