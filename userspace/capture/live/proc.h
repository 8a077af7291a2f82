// What /proc says of processes that were there before the sensor, and of engines' listeners.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "domain/types.h"

namespace kilnwatch::capture {

struct Listeners {
  std::vector<std::string> unix_paths;
  std::vector<std::uint16_t> tcp_ports;
};

std::string read_small_file(const std::string& path);
// Target of /proc/PID/exe, empty when it cannot be read.
std::string exe_of(std::uint32_t pid);
// Whether a process that changed its own name is still taken for the one that was seen.
enum class Comm : std::uint8_t { kSame, kAny };
// The same of a process as it was seen a moment ago; empty when the pid is another's by now or its
// name another: then it executed something else since, and which file it was is not known. One that
// executed a file of the same name is not told apart.
std::string exe_of(const domain::Process& seen, Comm comm = Comm::kSame);
std::vector<std::uint32_t> all_pids();
// Parent and name only: one small read. ppid 0 when the process is gone.
struct Kin {
  std::uint32_t ppid = 0;
  std::string comm;
};
Kin kin_of(std::uint32_t pid);
// All that /proc knows of a process; pid 0 when it is gone.
domain::Process process_of(std::uint32_t pid);
// Listening sockets that the process holds.
Listeners listeners_of(std::uint32_t pid);

}  // namespace kilnwatch::capture
