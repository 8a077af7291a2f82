// Paths as an engine and the kernel understand them.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace kilnwatch::detect {

// "/home/../etc//ssh/" is "/etc/ssh".
inline std::string plain_path(std::string_view rest) {
  std::string path;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (part == "..") {
      path.resize(path.empty() ? 0 : path.rfind('/'));
    } else if (!part.empty() && part != ".") {
      path += '/';
      path += part;
    }
  }
  return path.empty() ? "/" : path;
}

}  // namespace kilnwatch::detect
