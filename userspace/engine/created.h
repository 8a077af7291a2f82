// What the readers of every engine tell of a created container in the same way.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/secrets.h"

namespace kilnwatch::engine {

// Binds, capabilities, devices, names kept of one container.
inline constexpr std::size_t kMaxListed = 128;

// Keeps it with its secrets masked; beyond kMaxListed it is counted, since it may be any of them.
inline void add_listed(std::vector<std::string>& list, std::string_view text,
                       std::uint32_t& left_out) {
  if (list.size() < kMaxListed)
    list.push_back(base::mask_text(text));
  else
    ++left_out;
}

// "source:target", as clients write it. `made`: what the lists are of.
template <class Made>
void add_bind(Made& made, const std::string& source, const std::string& target, bool read_only) {
  add_listed(made.binds, source + ":" + target + (read_only ? ":ro" : ""), made.left_out);
}

// Of a mount as the OCI runtime specification and podman have it.
inline bool has_read_only(const std::vector<std::string>& options) {
  return std::find(options.begin(), options.end(), "ro") != options.end();
}

// One that containers have unless they are told otherwise; without "CAP_" (containerd:
// pkg/oci/spec.go, defaultUnixCaps; docker's are the same, podman's among them).
inline bool is_usual_capability(std::string_view name) {
  static constexpr std::array<std::string_view, 14> kUsual = {
      "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER", "FSETID",  "KILL",   "MKNOD",
      "NET_BIND_SERVICE", "NET_RAW", "SETFCAP",      "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"};
  return std::find(kUsual.begin(), kUsual.end(), name) != kUsual.end();
}

}  // namespace kilnwatch::engine
