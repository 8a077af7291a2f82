#include "capture/live/layers.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string_view>

#include "base/fd.h"

namespace kilnwatch::capture {
namespace {

constexpr std::string_view kLinks = "/l/";
constexpr std::size_t kMaxLink = 64;  // bytes of a link's name: dockerd's have 26

// The value of an option in "rw,lowerdir=…,upperdir=…".
std::string_view option(std::string_view options, std::string_view name) {
  while (!options.empty()) {
    const auto end = std::min(options.find(','), options.size());
    const auto one = options.substr(0, end);
    options.remove_prefix(std::min(end + 1, options.size()));
    if (one.starts_with(name) && one.substr(name.size()).starts_with('='))
      return one.substr(name.size() + 1);
  }
  return {};
}

// "l/NAME" whether the whole path stands there or not: dockerd shortens it when there are many.
std::string name_of(std::string_view folder) {
  if (folder.starts_with(kLinks.substr(1))) return std::string(folder);
  const auto at = folder.rfind('/');
  if (at != folder.npos && folder.substr(0, at + 1).ends_with(kLinks))
    return std::string(folder.substr(at - 1));
  return std::string(folder);
}

std::string in_root(std::uint32_t pid, const std::string& path) {
  return "/proc/" + std::to_string(pid) + "/root" + path;
}

// A small file of the process's own view. Whatever stands there, this neither waits nor follows a
// link at its end.
std::string small_file(std::uint32_t pid, const std::string& path) {
  const auto full = in_root(pid, path);
  const base::Fd file(::open(full.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  char text[kMaxLink];
  const auto n = ::read(file.get(), text, sizeof(text));
  return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : std::string();
}

// When it was made; 0: the file system does not say.
std::uint64_t born(std::uint32_t pid, const std::string& path) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto full = in_root(pid, path);
  struct statx info {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC;
  if (::statx(AT_FDCWD, full.c_str(), flags, STATX_BTIME, &info) != 0 ||
      (info.stx_mask & STATX_BTIME) == 0)
    return 0;
  return static_cast<std::uint64_t>(info.stx_btime.tv_sec) * kSecond + info.stx_btime.tv_nsec;
}

bool is_link_name(std::string_view text) {
  return !text.empty() && text.size() < kMaxLink &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

}  // namespace

std::string step_root_of(const domain::Process& process) {
  const auto& args = process.args;
  const auto bundle = std::find(args.begin(), args.end(), "--bundle");
  const bool runs =
      process.comm == "runc" && std::find(args.begin(), args.end(), "run") != args.end();
  if (!runs || bundle == args.end() || bundle + 1 == args.end()) return {};
  return (bundle + 1)->ends_with("/executor/" + args.back()) ? *(bundle + 1) + "/rootfs"
                                                             : std::string();
}

Layers layers_in(std::istream& mountinfo, const std::string& root) {
  Layers found;
  std::size_t left = kMaxMounts;
  for (std::string line; std::getline(mountinfo, line) && line.size() < left;) {
    left -= line.size() + 1;
    // ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS … - TYPE SOURCE OPTIONS
    std::string_view rest = line;
    for (int i = 0; i < 4; ++i) rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
    const auto type = rest.find(" - overlay ");
    if (!rest.starts_with(root + " ") || type == rest.npos) continue;
    const auto options = rest.substr(rest.rfind(' ') + 1);
    found = {std::string(option(options, "upperdir")), {}};
    auto lower = option(options, "lowerdir");
    while (!lower.empty() && found.lower.size() < kMaxLayers) {
      const auto end = std::min(lower.find(':'), lower.size());
      if (auto name = name_of(lower.substr(0, end)); name.size() <= kMaxLayerName)
        found.lower.push_back(std::move(name));
      lower.remove_prefix(std::min(end + 1, lower.size()));
    }
  }
  return found;
}

void read_layers(domain::Process& process) {
  const auto root = step_root_of(process);
  if (root.empty()) return;
  std::ifstream mountinfo("/proc/" + std::to_string(process.pid) + "/mountinfo");
  auto found = layers_in(mountinfo, root);
  if (found.upper.empty()) return;
  std::string own = found.upper;
  if (own.starts_with('/')) {
    process.layer_born = born(process.pid, own);
    // dockerd keeps the name of a layer's link beside the layer.
    const auto link = small_file(process.pid, own.substr(0, own.rfind('/')) + "/link");
    if (is_link_name(link)) own = std::string(kLinks.substr(1)) + link;
  }
  if (own.size() > kMaxLayerName) return;
  found.lower.insert(found.lower.begin(), std::move(own));
  process.layers = std::move(found.lower);
}

}  // namespace kilnwatch::capture
