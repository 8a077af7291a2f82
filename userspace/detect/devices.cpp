#include "detect/devices.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "detect/host_path.h"
#include "detect/words.h"

namespace kilnwatch::detect {
namespace {

// Who reads a disk reads each file on it, who writes it is root. What may only be made (m) is used
// by nobody; not told is all.
Gives of_disk(std::string_view access) {
  if (access.empty() || contains(access, "w")) return Gives::kTakes;
  return contains(access, "r") ? Gives::kReads : Gives::kNothing;
}

// With a number or a letter behind it: sda1, nvme0n1, but not video0 for vd.
bool is_disk(std::string_view name) {
  constexpr std::array<std::string_view, 10> kNumbered = {
      "nvme", "mmcblk", "dm-", "md", "sg", "bcache", "pmem", "mtdblock", "drbd", "bsg"};
  constexpr std::array<std::string_view, 3> kLettered = {"sd", "vd", "xvd"};
  const auto next_is = [name](std::string_view lead, char from, char to) {
    return name.size() > lead.size() && name.starts_with(lead) && name[lead.size()] >= from &&
           name[lead.size()] <= to;
  };
  return std::any_of(kNumbered.begin(), kNumbered.end(),
                     [&](std::string_view lead) { return next_is(lead, '0', '9'); }) ||
         std::any_of(kLettered.begin(), kLettered.end(), [&](std::string_view lead) {
           return next_is(lead, 'a', 'z') && name.find_first_of("_-") == name.npos;
         });
}

Gives path_gives(std::string_view device) {
  const std::size_t colon = std::min(device.rfind(':'), device.size());
  const std::string path = plain_path(device.substr(0, colon));
  const std::string_view access = device.substr(std::min(colon + 1, device.size()));
  constexpr std::array<std::string_view, 6> kAll = {"/dev",       "/dev/disk", "/dev/mapper",
                                                    "/dev/block", "/dev/root", "/dev/bsg"};
  constexpr std::array<std::string_view, 3> kMemory = {"/dev/mem", "/dev/kmem", "/dev/port"};
  constexpr std::array<std::string_view, 4> kBelow = {"/dev/disk/", "/dev/mapper/", "/dev/block/",
                                                      "/dev/bsg/"};
  if (one_of(path, kAll) || one_of(path, kMemory)) return of_disk(access);
  if (std::any_of(kBelow.begin(), kBelow.end(),
                  [&](std::string_view folder) { return path.starts_with(folder); }))
    return of_disk(access);
  // Messages of the kernel: addresses, names, what other containers did.
  if (path == "/dev/kmsg") return Gives::kReads;
  constexpr std::string_view kFolder = "/dev/";
  if (!path.starts_with(kFolder)) return Gives::kNothing;
  return is_disk(std::string_view(path).substr(kFolder.size())) ? of_disk(access) : Gives::kNothing;
}

// Linux: Documentation/admin-guide/devices.txt.
Gives rule_gives(std::string_view rule) {
  const auto word = [&rule] {
    const std::size_t end = std::min(rule.find(' '), rule.size());
    const std::string_view out = rule.substr(0, end);
    rule.remove_prefix(std::min(end + 1, rule.size()));
    return out;
  };
  const std::string_view type = word(), number = word(), access = word();
  const std::size_t colon = std::min(number.find(':'), number.size());
  const std::string_view major = number.substr(0, colon);
  const std::string_view minor = number.substr(std::min(colon + 1, number.size()));
  if (type == "a") return of_disk(access);
  if (type == "b") {
    // Memory, floppies, loops, CD, the network's: no disks of the host.
    constexpr std::array<std::string_view, 5> kOthers = {"1", "2", "7", "11", "43"};
    return one_of(major, kOthers) ? Gives::kNothing : of_disk(access);
  }
  if (type != "c") return Gives::kNothing;
  constexpr std::string_view kMemory = "1", kScsi = "21";
  constexpr std::array<std::string_view, 4> kOfMemory = {"*", "1", "2", "4"};
  if (major == "*" || major == kScsi || (major == kMemory && one_of(minor, kOfMemory)))
    return of_disk(access);
  return major == kMemory && minor == "11" ? Gives::kReads : Gives::kNothing;  // kmsg
}

}  // namespace

Gives device_gives(const std::string& device) {
  return device.starts_with('/') ? path_gives(device) : rule_gives(device);
}

}  // namespace kilnwatch::detect
