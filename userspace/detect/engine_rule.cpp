// Connections of an engine itself. Those for a URL of ADD, an instruction as RUN is, are judged as
// a step's; others the request explains, or they are told. An image's registry may send the engine
// wherever it keeps its layers.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

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

// A part of an image, or what leads there (github.com/opencontainers/distribution-spec:
// end-points).
bool is_registrys(std::string_view path) {
  constexpr std::array<std::string_view, 4> kParts = {"/blobs/", "/manifests/", "/tags/",
                                                      "/referrers/"};
  return path == "/v2/" || path == "/v2" ||
         (path.starts_with("/v2/") && std::any_of(kParts.begin(), kParts.end(), [&](auto part) {
            return path.find(part) != path.npos;
          }));
}

// It asked in plain text for a file.
bool is_download(const Connection& connection) {
  return connection.http_method == "GET" && !connection.http_path.empty() &&
         !is_registrys(connection.http_path);
}

// By a proxy: its name says nothing of the address.
bool is_proxied(const Connection& connection) {
  return connection.http_method == "CONNECT" ||
         (!connection.http_path.empty() && !connection.http_path.starts_with('/') &&
          connection.http_path != "***");
}

// The engine connects for whoever asks, from the host's own network. On a link nobody publishes
// anything.
bool is_own(const std::string& ip) {
  return tracker::is_loopback(ip) || tracker::is_link_local(ip);
}
bool is_inside(const Endpoint& to) { return is_own(to.ip) || tracker::is_engine_port(to.port); }

// The hosts that it may have asked for: what it said there itself, else what DNS gave the address
// to. Never empty; an empty one: not known.
std::vector<std::string> asked_hosts(const tracker::Moment& moment) {
  const Connection& connection = *moment.connection;
  std::vector<std::string> out;
  if (!moment.name_borrowed) out.push_back(asked_host(connection));
  if (out.empty() || out.front().empty()) {
    for (const DnsName& name : connection.dns_names) out.push_back(name.name);
  }
  if (out.empty()) out.push_back(asked_host(connection));
  return out;
}

// The host of the connection that one of the build's ADDs names; nothing: none does. `hosts`: that
// it may have asked for.
std::optional<std::string> added_host(const tracker::Moment& moment,
                                      const std::vector<std::string>& hosts,
                                      const Reachable& reach) {
  for (const std::string& host : hosts) {
    if (is_among(reach.added, host)) return host;
  }
  if (is_among(reach.added, moment.connection->destination.ip) ||
      is_among(reach.added, moment.sent_from))
    return hosts.front();
  return std::nullopt;
}

}  // namespace

// The engine asks for the name that it connects to, and asked the host's resolver for its address:
// nobody could have it claim another one.
std::optional<tracker::Moment> Detector::chosen(const tracker::Moment& moment) {
  if (moment.kind != tracker::MomentKind::kEngineEgress) return std::nullopt;
  const Connection& connection = *moment.connection;
  const Endpoint& to = connection.destination;
  std::string host = asked_host(connection);
  const bool inside = is_metadata(to.ip, to.port) || is_own(to.ip);
  const bool led = inside && !host.empty() && host != to.ip && !is_proxied(connection);
  const auto hosts = asked_hosts(moment);
  std::vector<const Build*> its, perhaps;
  bool explained = false;
  for (const Build& build : moment.among) {
    Reachable reach = reachable(build);
    const auto added = added_host(moment, hosts, reach);
    if (added) host = *added;
    // A context's request was told, but not where its name leads to.
    if (added || (led && is_among(reach.contexts, host))) its.push_back(&build);
    const bool named = reach.any_host && !moment.name_borrowed && !host.empty();
    const bool file = reach.any_host || (reach.any_file && moment.sent_from.empty() && !inside);
    if (named || (file && is_download(connection))) perhaps.push_back(&build);
    reach.pushed.clear();  // a name that an image is given says nothing of where a file comes from
    explained =
        explained || is_reachable(reach, to.ip) || (!host.empty() && is_reachable(reach, host));
  }
  if (its.empty() && !explained) its = std::move(perhaps);
  if (its.empty()) return std::nullopt;
  tracker::Moment out = moment;
  out.among.clear();
  out.build.reset();
  out.other_builds.clear();
  out.reasons.clear();
  if (its.size() == 1) {
    out.build = *its.front();
    out.call = out.build->request.call;
  }
  for (const Build* build : its) {
    out.among.push_back(*build);
    if (out.build) continue;
    out.other_builds.push_back(build->id);
    if (out.reasons.size() < kMaxNamed)
      out.reasons.push_back({"candidate", "build " + build->id + " has a file fetched from there"});
  }
  Connection& made = *out.connection;
  if (moment.name_borrowed && host != asked_host(connection)) {
    made.tls_name = host;
    made.http_method = made.http_host = made.http_path = "";
  }
  made.dns_names.clear();
  if (!host.empty() && host != to.ip && !is_proxied(made))
    made.dns_names = {{host, "the resolver that the engine asked", true, false}};
  return out;
}

std::optional<bool> Detector::fetched(const tracker::Moment& moment, Finding& finding,
                                      const policy::Exception* exception, const Answer& answer) {
  Connection& connection = *finding.connection;
  const Connection plain = connection;  // held against the list of what is denied, and told nowhere
  connection.http_path = base::mask_text(connection.http_path);
  mask_names(connection);
  connection.dns_name = told_name(connection);
  const Endpoint& to = connection.destination;
  const std::string host = asked_host(plain);
  const bool named = !host.empty() && host != to.ip;
  const bool proxied = is_proxied(plain);
  const bool known_name = meet(moment, answer, connection);
  const bool novel = is_novel(connection);
  const bool metadata = is_metadata(to.ip, to.port) || is_metadata(host, to.port);
  const bool sent = !moment.sent_from.empty();
  const bool inside = !metadata && !proxied && (is_inside(to) || (sent && is_private(to.ip)));
  // Where the URL says so itself its request was told.
  const bool led = named && !proxied && !is_own_name(host) && !is_metadata(host, to.port) &&
                   (metadata || is_own(to.ip));
  const bool led_inside = led || (sent && (metadata || inside));
  const policy::Destination* denied = denied_by(plain, claimed_name(plain));
  if (!novel && !led_inside && denied == nullptr) return std::nullopt;
  const std::string told = moment.key + (denied != nullptr ? "/denied" : "");
  if (told_.contains(told)) return std::nullopt;
  told_.insert(told);
  const policy::Destination* allowed =
      metadata || inside || denied != nullptr ? nullptr : allowed_by(connection);
  const std::string where = named ? base::mask_text(host) + ", " + text_of(to) : text_of(to);
  if (metadata) tell(finding, "cloud-metadata", where);
  if (inside) tell(finding, led ? "fetch-inside/named" : "fetch-inside/engine", where);
  if (denied != nullptr) add_denied(finding, to, *denied);
  add_novelty(finding, answer, where, known_name);
  if (sent) tell(finding, "engine-sent-on", moment.sent_from + " to " + where);
  if (is_learning(moment) && !metadata && !inside && denied == nullptr) tell(finding, "learning");
  add_name(finding, claimed_name(connection));
  if (allowed != nullptr) tell(finding, "allowed-destination", where + ": " + allowed->text);
  finding.summary = "the engine itself connected to " + where + ", to fetch what " +
                    (moment.build ? "its build" : "one of the open builds") + " asked for";
  return exception == nullptr;
}

std::optional<bool> Detector::engine_egress(const tracker::Moment& moment, Finding& finding,
                                            const policy::Exception* exception) {
  Connection& connection = *finding.connection;
  connection.http_path = base::mask_text(connection.http_path);
  mask_names(connection);
  const Endpoint& to = connection.destination;
  const std::string host = asked_host(connection);
  bool fetches = false, whole = true;
  for (const Build& build : moment.among) {
    const Reachable reach = reachable(build);
    if (is_reachable(reach, to.ip) || (!host.empty() && is_reachable(reach, host)))
      return std::nullopt;
    fetches = fetches || reach.fetches;
    whole = whole && reach.whole;
  }
  if (!fetches) return std::nullopt;
  const bool metadata = is_metadata(to.ip, to.port) || is_metadata(host, to.port);
  const bool sent_inside = !moment.sent_from.empty() && is_private(to.ip);
  const bool inside = metadata || sent_inside || is_inside(to);
  // What has no name may be any of those that the request names.
  if (!inside && (host.empty() || (!whole && moment.sent_from.empty()))) return std::nullopt;
  if (told_.contains(moment.key)) return std::nullopt;
  told_.insert(moment.key);
  const bool fresh =
      baseline_.meet({Scope::kHost,
                      baseline::text_of({baseline::kEngine, to.port, host.empty() ? to.ip : host}),
                      wall(moment),
                      {}});
  // Drivers of logs and traces reach collectors on loopback.
  if (!fresh && !metadata && !sent_inside) return std::nullopt;

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
  return exception == nullptr;
}

}  // namespace kilnwatch::detect
