// What an address means to a step.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/finding.h"
#include "tracker/step_flags.h"

namespace kilnwatch::tracker {

// RFC 1122 3.2.1.3, RFC 4291 2.5.3; a connect to the unspecified address goes to loopback, too
// (Linux: ip(7)).
inline bool is_loopback(const std::string& ip) {
  return ip.starts_with("127.") || ip == "::1" || ip == "0.0.0.0" || ip == "::";
}

// Of its link only: RFC 3927, RFC 4291 2.5.6. `ip` as the sensor writes it, so that a group which
// begins with "fe" is four digits long or of another range.
inline bool is_link_local(const std::string& ip) {
  constexpr std::string_view kThirds = "89ab";
  return ip.starts_with("169.254.") ||
         (ip.starts_with("fe") && ip.find(':') == 4 && kThirds.find(ip[2]) != kThirds.npos);
}

// The APIs of docker and swarm by convention (IANA: docker, docker-s, swarm).
inline bool is_engine_port(std::uint16_t port) { return port >= 2375 && port <= 2377; }

// A step's loopback is its own, with docker's resolver on 127.0.0.11, unless the request lends it
// the network of the host or of another container (moby: runconfig/hostconfig.go, NetworkMode), or
// a flag of the step that of the host. `told`: reasons of the step.
inline bool own_loopback(const domain::Build& build, const domain::Step& step,
                         const std::vector<domain::Reason>& told, const std::string& ip) {
  const std::string& mode = build.request.network_mode;
  return is_loopback(ip) && mode != "host" && !mode.starts_with("container:") &&
         !may_have_host_network(build, step, told);
}

}  // namespace kilnwatch::tracker
