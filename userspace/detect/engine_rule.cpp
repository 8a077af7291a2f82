// Connections of an engine itself: the request explains them, or they are told. Where it does is
// no finding; an image's registry may send the engine wherever it keeps its layers.
#include <cstdlib>
#include <string_view>

#include "base/secrets.h"
#include "detect/detector.h"
#include "detect/names.h"
#include "detect/reasons.h"
#include "detect/shapes.h"

namespace kilnwatch::detect {

using namespace domain;
using baseline::Scope;

namespace {

// As the engine asked for it. Empty: not known.
std::string asked_host(const Connection& connection) {
  if (connection.http_host.empty()) return connection.tls_name;
  return host_of_url("http://" + connection.http_host).ip;
}

// RFC 1918, RFC 4193, RFC 6598.
bool is_private(const std::string& ip) {
  if (ip.starts_with("10.") || ip.starts_with("192.168.")) return true;
  // fc00::/7: a first group of four digits.
  if ((ip.starts_with("fc") || ip.starts_with("fd")) && ip.find(':') == 4) return true;
  const auto second = [&](std::string_view first, int from, int to) {
    if (!ip.starts_with(first)) return false;
    const int number = std::atoi(ip.c_str() + first.size());
    return number >= from && number <= to;
  };
  return second("172.", 16, 31) || second("100.", 64, 127);
}

}  // namespace

bool Detector::engine_egress(const tracker::Moment& moment, Finding& finding) {
  Connection& connection = *finding.connection;
  connection.http_path = base::mask_text(connection.http_path);
  mask_names(connection);
  const Endpoint& to = connection.destination;
  const std::string host = asked_host(connection);
  bool fetches = false, whole = true;
  for (const Build& build : moment.among) {
    const Reachable reach = reachable(build);
    if (is_reachable(reach, to.ip) || (!host.empty() && is_reachable(reach, host))) return false;
    fetches = fetches || reach.fetches;
    whole = whole && reach.whole;
  }
  if (!fetches) return false;
  const bool metadata = is_metadata(to.ip, to.port) || is_metadata(host, to.port);
  const bool sent_inside = !moment.sent_from.empty() && is_private(to.ip);
  // On a link nobody publishes anything.
  const bool inside = metadata || sent_inside || tracker::is_loopback(to.ip) ||
                      tracker::is_link_local(to.ip) || tracker::is_engine_port(to.port);
  // What has no name may be any of those that the request names.
  if (!inside && (host.empty() || (!whole && moment.sent_from.empty()))) return false;
  if (told_.contains(moment.key)) return false;
  told_.insert(moment.key);
  const bool fresh =
      baseline_.meet({Scope::kHost,
                      baseline::text_of({baseline::kEngine, to.port, host.empty() ? to.ip : host}),
                      wall(moment),
                      {}});
  // Drivers of logs and traces reach collectors on loopback.
  if (!fresh && !metadata && !sent_inside) return false;

  const std::string where = host.empty() || host == to.ip ? text_of(to) : host + ", " + text_of(to);
  if (metadata) tell(finding, "cloud-metadata", where);
  if (inside && !metadata) tell(finding, "fetch-inside/engine", where);
  tell(finding, "engine-unexplained", where);
  if (!moment.sent_from.empty()) tell(finding, "engine-sent-on", moment.sent_from + " to " + where);
  if (is_learning(moment) && !inside) tell(finding, "learning");
  if (host.empty() || host == to.ip) tell(finding, "raw-address");
  finding.summary = "the engine itself connected to " + where +
                    (moment.build ? ", which nothing that its build asked for names"
                                  : ", which nothing that the open builds asked for names");
  return true;
}

}  // namespace kilnwatch::detect
