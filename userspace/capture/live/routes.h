// How the host's own network reaches an address.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/fd.h"

namespace kilnwatch::capture {

// As the kernel side has addresses: IPv4 as ::ffff:a.b.c.d.
using AddressBytes = std::array<std::uint8_t, 16>;
// False: no address.
bool bytes_of(const std::string& ip, AddressBytes& out);

// Number of the host's own network namespace, as /proc/PID/ns/net has it. 0 where that cannot be
// known, or where this process is in another one: there its routes say nothing of the host's.
std::uint32_t host_network(const std::string& proc = "/proc");

// Whether only containers or guests are on the interface: a bridge without a device of its own.
// Each of them can send there under any address.
bool is_inner_bridge(const std::string& name, const std::string& sys = "/sys");

class Routes {
 public:
  // Number of the interface by which packets to the address leave; 0: none, the host's own address,
  // or one beyond an inner bridge.
  std::uint32_t interface_to(const AddressBytes& address);

 private:
  base::Fd socket_;  // opened by the first question, and again after one that failed
  std::uint32_t last_ = 0;
};

}  // namespace kilnwatch::capture
