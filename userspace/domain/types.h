// Names and small values that every room uses.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kilnwatch::domain {

using TimeNs = std::uint64_t;  // CLOCK_BOOTTIME, nanoseconds
using ConnId = std::uint64_t;  // an engine API connection, unique over a recording
using EgressId = std::uint64_t;

// Those up to kBuildkitd serve an API; the others are commands.
enum class EngineKind : std::uint8_t {
  kNone,
  kDocker,
  kContainerd,
  kPodman,
  kBuildkitd,
  kBuildah,
  kKaniko
};
enum class Transport : std::uint8_t { kNone = 0, kUnix = 1, kTcp = 2 };  // kNone: a command
enum class Direction : std::uint8_t { kRequest = 0, kResponse = 1 };  // engine reads, engine writes
enum class Outcome : std::uint8_t { kPending, kEstablished, kRefused, kTimedOut, kSent };

// Text form of the address (RFC 5952; IPv4-mapped shown as IPv4).
struct Endpoint {
  std::string ip;
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
  auto operator<=>(const Endpoint&) const = default;
};

struct Cgroup {
  std::uint64_t id = 0;
  std::string
      path;  // trailing components, root first, joined by '/': "system.slice/docker-<64hex>.scope"
};

inline constexpr std::uint32_t kNoLoginUid = 0xffffffff;

struct Process {
  std::uint32_t pid = 0;  // thread group, initial pid namespace
  std::uint32_t ppid = 0;
  TimeNs start = 0;
  std::uint32_t uid = 0;
  std::uint32_t loginuid = kNoLoginUid;
  std::string comm;
  std::string exe;                // empty: not known
  std::vector<std::string> args;  // secrets masked (base/secrets.h)
  bool args_cut = false;
  Cgroup cgroup;
  // Of a runtime that runs a step of BuildKit: names of the layers of the step's root, its
  // own first, then what it stands on, topmost first (capture/live/layers.h). Empty: not known.
  std::vector<std::string> layers = {};
  std::uint64_t layer_born =
      0;  // its own one, ns since 1970, at most a tick too early; 0: not known
};

}  // namespace kilnwatch::domain
