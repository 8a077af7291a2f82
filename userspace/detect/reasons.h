// What several rules say of a client, and how a reason raises a severity.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "baseline/key.h"
#include "detect/names.h"
#include "domain/finding.h"
#include "policy/policy.h"
#include "tracker/address.h"

namespace kilnwatch::detect {

inline constexpr std::size_t kMaxNamed = 16;  // things of one kind, in one alert

inline void add(domain::Finding& finding, domain::Severity at_least, std::string code,
                std::string text) {
  finding.severity = std::max(finding.severity, at_least);
  finding.reasons.push_back({std::move(code), std::move(text)});
}

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
  add(finding, domain::Severity::kHigh, "denied-destination",
      text_of(to) + " is denied by the configuration: " + entry.text);
}

// How sure the destination's name is. `claim`: what the process says; empty: nothing.
inline void add_name(domain::Finding& finding, const std::string& claim) {
  const domain::DnsName& dns = finding.connection->dns_name;
  const bool agrees = claim.empty() || without_dot(claim) == dns.name;
  if (dns.verified) {
    add(finding, domain::Severity::kInfo, "name-verified",
        "resolver " + dns.resolver + " of this host said that " + dns.name + " is there");
  }
  if (!claim.empty() && !(dns.verified && agrees)) {
    add(finding, domain::Severity::kHigh, "name-unverified",
        "the name " + claim + " is what the process itself claims");
  } else if (!dns.verified && !dns.name.empty()) {
    add(finding, domain::Severity::kHigh, "name-unverified",
        "the name " + dns.name + " is out of an answer from " + dns.resolver +
            ", which the process may have written itself");
  } else if (dns.name.empty()) {
    add(finding, domain::Severity::kHigh, "raw-address",
        "the destination has no name that was seen");
  }
  if (dns.verified && !agrees) {
    add(finding, domain::Severity::kHigh, "name-differs",
        "the process asks there for " + claim + ", to which no answer that was seen led");
  }
}

inline std::string client_text(const domain::Client& client) {
  if (client.transport == domain::Transport::kTcp) return client.address.ip;
  if (!client.process) return "an unknown local client";
  return (client.process->exe.empty() ? client.process->comm : client.process->exe) + " (uid " +
         std::to_string(client.process->uid) + ")";
}

}  // namespace kilnwatch::detect
