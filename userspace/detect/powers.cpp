#include "detect/powers.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "base/text.h"
#include "detect/host_path.h"
#include "detect/words.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

// The host's side of "source:target:options", as the engine understands it: "/home/.." is "/".
// Empty: a volume.
std::string host_path(const std::string& bind) {
  if (!bind.starts_with('/')) return {};
  return plain_path(std::string_view(bind).substr(0, bind.find(':')));
}

bool is_read_only(const std::string& bind) {
  const std::size_t target = bind.find(':');
  const std::size_t options = target == bind.npos ? bind.npos : bind.find(':', target + 1);
  if (options == bind.npos) return false;
  std::string_view rest = std::string_view(bind).substr(options + 1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    if (rest.substr(0, end) == "ro") return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

bool is_below(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

bool is_in(std::string_view path, std::span<const std::string_view> folders) {
  return std::any_of(folders.begin(), folders.end(), [path](std::string_view folder) {
    return path == folder || is_below(path, folder);
  });
}

// What an engine or a kubelet makes for containers, in its own folder: it is theirs.
bool is_of_containers(std::string_view path) {
  constexpr std::array<std::string_view, 2> kTheirs = {"/var/lib/kubelet/pods",
                                                       "/var/lib/docker/volumes"};
  constexpr std::array<std::string_view, 4> kFiles = {"/hosts", "/hostname", "/resolv.conf",
                                                      "/mounts/shm"};
  if (std::any_of(kTheirs.begin(), kTheirs.end(),
                  [path](std::string_view folder) { return is_below(path, folder); }))
    return true;
  if (is_below(path, "/var/lib/containerd")) return contains(path, "/snapshots/");
  return is_below(path, "/var/lib/docker/containers") &&
         std::any_of(kFiles.begin(), kFiles.end(),
                     [path](std::string_view file) { return path.ends_with(file); });
}

// Of a user who is logged in: display, sound, keys. Who has his bus or his systemd has him.
bool is_of_session(std::string_view path) {
  constexpr std::string_view kSessions = "/run/user/";
  if (!path.starts_with(kSessions)) return false;
  path.remove_prefix(kSessions.size());
  const std::size_t user = path.find('/');
  const std::string_view what = path.substr(std::min(user, path.size()));
  return path.substr(0, user) != "0" && !what.empty() && what != "/bus" && what != "/systemd" &&
         !is_below(what, "/systemd");
}

// Where a socket is that commands the host: a mount that is read-only hinders nobody to connect.
bool has_command_socket(std::string_view path) {
  constexpr std::array<std::string_view, 3> kWhole = {"/", "/run", "/var/run"};
  constexpr std::array<std::string_view, 8> kFolders = {
      "docker", "containerd", "podman", "crio", "buildkit", "k3s", "systemd", "dbus"};
  constexpr std::array<std::string_view, 6> kSockets = {"docker.sock",    "containerd.sock",
                                                        "podman.sock",    "crio.sock",
                                                        "buildkitd.sock", "system_bus_socket"};
  const std::string_view last = path.substr(path.rfind('/') + 1);
  if (one_of(path, kWhole) || one_of(last, kSockets)) return true;
  const std::string_view above = path.substr(0, path.rfind('/'));
  return (above == "/run" || above == "/var/run") && one_of(last, kFolders);
}

// Who reads there reads passwords and keys of the host.
bool has_secrets(std::string_view path) {
  constexpr std::array<std::string_view, 4> kThemselves = {"/etc", "/home", "/var", "/var/lib"};
  constexpr std::array<std::string_view, 11> kBelow = {
      "/etc/shadow",     "/etc/gshadow",     "/etc/ssh",           "/etc/kubernetes",
      "/etc/sudoers",    "/etc/docker",      "/etc/ssl/private",   "/root",
      "/var/lib/docker", "/var/lib/kubelet", "/var/lib/containerd"};
  return one_of(path, kThemselves) || is_in(path, kBelow);
}

std::string bare_capability(const std::string& capability) {
  std::string name = base::lower(capability);
  return name.starts_with("cap_") ? name.substr(4) : name;
}

void settle(std::vector<std::string>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

}  // namespace

bool is_takeover_path(const std::string& bind) {
  const std::string path = host_path(bind);
  if (path.empty()) return false;
  // Whole folders, not what is below them: /home/u/project is a mount of every day.
  constexpr std::array<std::string_view, 9> kThemselves = {
      "/", "/home", "/var", "/var/lib", "/srv", "/opt", "/var/log", "/mnt", "/media"};
  constexpr std::array<std::string_view, 17> kBelow = {"/etc",
                                                       "/root",
                                                       "/boot",
                                                       "/proc",
                                                       "/sys",
                                                       "/dev",
                                                       "/usr",
                                                       "/bin",
                                                       "/sbin",
                                                       "/lib",
                                                       "/lib64",
                                                       "/run",
                                                       "/var/lib/docker",
                                                       "/var/run",
                                                       "/var/lib/kubelet",
                                                       "/var/lib/containerd",
                                                       "/var/spool/cron"};
  if (one_of(path, kThemselves)) return true;
  constexpr std::array<std::string_view, 3> kHarmless = {"/etc/localtime", "/etc/timezone",
                                                         "/dev/shm"};
  if (one_of(path, kHarmless) || is_of_containers(path) || is_of_session(path)) return false;
  return is_in(path, kBelow);
}

bool is_takeover_capability(const std::string& capability) {
  constexpr std::array<std::string_view, 8> kTakeOver = {
      "all",       "sys_admin",       "sys_module", "sys_ptrace",
      "sys_rawio", "dac_read_search", "bpf",        "sys_boot"};
  return one_of(bare_capability(capability), kTakeOver);
}

// Of the kernel: core_pattern alone names a program that the host executes as root.
bool writes_settings(const ContainerCreated& made) {
  const auto& open = made.unconfined;
  return std::find(open.begin(), open.end(), "read-only-paths") != open.end();
}

Gives mount_gives(const std::string& bind) {
  const std::string path = host_path(bind);
  if (has_command_socket(path)) return Gives::kTakes;
  // What devices a container may use is not a matter of mounts.
  if (!is_takeover_path(bind) || is_below(path, "/dev")) return Gives::kNothing;
  if (!is_read_only(bind)) return Gives::kTakes;
  return has_secrets(path) ? Gives::kReads : Gives::kNothing;
}

bool takes_over(const std::string& capability, const ContainerCreated& made) {
  const auto& spaces = made.host_namespaces;
  // Debuggers have it; of the host they see nothing.
  if (bare_capability(capability) == "sys_ptrace")
    return std::find(spaces.begin(), spaces.end(), "pid") != spaces.end();
  return is_takeover_capability(capability);
}

Powers powers_of(const ContainerCreated& made) {
  Powers out;
  const auto add = [&out](Gives gives, std::string what) {
    if (gives == Gives::kTakes)
      out.takes.push_back(std::move(what));
    else if (gives == Gives::kReads)
      out.reads.push_back(std::move(what));
  };
  if (made.privileged) out.takes.emplace_back("privileged");
  for (const std::string& bind : made.binds) add(mount_gives(bind), host_path(bind));
  for (const std::string& capability : made.capabilities) {
    if (!takes_over(capability, made)) continue;
    std::string name = bare_capability(capability);
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    out.takes.push_back(std::move(name));
  }
  out.unread = made.left_out;
  out.command = made.command;
  out.unknown = made.volumes_from;
  if (!made.privileged) {  // that has all devices and paths
    for (const std::string& device : made.devices) add(device_gives(device), device);
    if (writes_settings(made)) out.takes.emplace_back("/proc/sys");
  }
  settle(out.takes);
  settle(out.reads);
  settle(out.unknown);
  return out;
}

}  // namespace kilnwatch::detect
