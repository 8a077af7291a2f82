// What several rules say.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "baseline/key.h"
#include "detect/names.h"
#include "detect/scoring.h"
#include "domain/finding.h"
#include "fleet/fleet.h"
#include "policy/policy.h"
#include "tracker/address.h"

namespace kilnwatch::detect {

inline constexpr std::size_t kMaxNamed = 16;  // things of one kind, in one alert

inline bool remote_client(const domain::Client& client) {
  return client.transport == domain::Transport::kTcp && !tracker::is_loopback(client.address.ip);
}

// Asked out of a container that is not the engine's own home.
inline bool client_in_other_container(const domain::Client& client, const std::string& home) {
  return !client.container_id.empty() && client.container_id != home;
}

// Which program asked, of a local client, is not known.
inline bool unknown_client(const domain::Client& client) {
  return client.transport == domain::Transport::kUnix &&
         (!client.process || client.process->exe.empty());
}

// As what a destination is remembered, with the name that the process claimed for it.
inline std::string seen_key(const domain::Endpoint& to, const std::string& name = {}) {
  return baseline::text_of({to.ip, to.port, name});
}

inline std::string text_of(const domain::Endpoint& to) {
  return to.ip + " port " + std::to_string(to.port);
}

inline void add_denied(domain::Finding& finding, const domain::Endpoint& to,
                       const policy::Destination& entry) {
  tell(finding, "denied-destination", text_of(to) + ": " + entry.text);
}

// What hosts that share a baseline say of a destination.
inline void add_fleet(domain::Finding& finding, const fleet::Answer& answer,
                      const std::string& where) {
  if (answer.kind == fleet::Answer::Kind::kNone) tell(finding, "fleet-unanswered");
  if (answer.kind == fleet::Answer::Kind::kNew) tell(finding, "first-seen-in-fleet", where);
  if (answer.capped) tell(finding, "fleet-capped");
}

// As far as this host and those that share its baseline know.
inline bool is_novel(const domain::Connection& connection) {
  return connection.first_in_builds && connection.first_in_fleet.value_or(true);
}

// To which circles the destination is new, and whether its name is known all the same: of those of
// this host the widest; the connection's fields have each of them.
inline void add_novelty(domain::Finding& finding, const std::optional<fleet::Answer>& answer,
                        const std::string& where, bool known_name) {
  const domain::Connection& connection = *finding.connection;
  const bool novel = is_novel(connection);
  if (novel)
    tell(finding, connection.first_on_host ? "first-seen-on-host" : "first-seen-in-builds", where);
  if (answer) add_fleet(finding, *answer, where);
  if (novel && known_name)
    tell(finding, "known-name",
         connection.dns_name.name + " port " + std::to_string(connection.destination.port));
}

// How sure the destination's name is. `claim`: what the process says; empty: nothing.
inline void add_name(domain::Finding& finding, const std::string& claim) {
  const domain::DnsName& dns = finding.connection->dns_name;
  const bool agrees = claim.empty() || claim == dns.name;
  if (dns.verified) {
    tell(finding, "name-verified",
         dns.name + ", by " + dns.resolver + (dns.heard ? ", as the host heard it" : ""));
  }
  if (!claim.empty() && !(dns.verified && agrees)) {
    tell(finding, "name-unverified", claim);
  } else if (!dns.verified && !dns.name.empty()) {
    tell(finding, "name-unverified/answer", dns.name + " is out of an answer from " + dns.resolver);
  } else if (dns.name.empty()) {
    tell(finding, "raw-address");
  }
  if (dns.verified && !agrees) tell(finding, "name-differs", claim);
}

inline std::string client_text(const domain::Client& client) {
  if (client.transport == domain::Transport::kTcp) return client.address.ip;
  if (!client.process) return "an unknown local client";
  const std::string& name =
      client.process->exe.empty() ? client.process->comm : client.process->exe;
  return (name.empty() ? "an unknown program" : name) + " (uid " +
         std::to_string(client.process->uid) + ")";
}

}  // namespace kilnwatch::detect
