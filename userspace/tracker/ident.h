// Short names of builds and alerts, stable over replay; names of containers.
#pragma once

#include <string>
#include <string_view>

#include "base/sha256.h"

namespace kilnwatch::tracker {

// 32 hex characters of SHA-256: long enough that two of one host never meet.
inline std::string short_hash(std::string_view text) {
  return base::sha256_hex(text).substr(0, 32);
}

// dockerd gives the name of a container with a slash before it, and takes both.
inline std::string plain_name(const std::string& name) {
  return name.starts_with('/') ? name.substr(1) : name;
}

}  // namespace kilnwatch::tracker
