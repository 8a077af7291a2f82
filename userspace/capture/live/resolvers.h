// The name servers that this host was given: what engines hand on to the containers they make.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/types.h"

namespace kilnwatch::capture {

inline constexpr std::size_t kMaxNameservers = 64;  // of all files

// Of a resolv.conf(5), as decode writes addresses. Those of loopback are left out: a container has
// a loopback of its own, and whoever shares the host's can send under any address of it. So are
// link-local ones of IPv6, which are somebody else's on a bridge.
std::vector<std::string> nameservers_in(std::string_view text);

class HostResolvers {
 public:
  // systemd-resolved keeps the true ones in a file of its own, which engines read, too.
  explicit HostResolvers(std::vector<std::string> files = {"/etc/resolv.conf",
                                                           "/run/systemd/resolve/resolv.conf"})
      : files_(std::move(files)) {}

  // The files are read again where the last look is a second old.
  bool names(const std::string& ip, domain::TimeNs now);
  const std::set<std::string>& all(domain::TimeNs now);

 private:
  void read();
  std::vector<std::string> files_;
  std::set<std::string> known_;
  domain::TimeNs due_ = 0;
};

}  // namespace kilnwatch::capture
