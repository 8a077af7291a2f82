// The names of a destination: what the connecting process claims, and what DNS said.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/host_name.h"
#include "base/secrets.h"
#include "base/text.h"
#include "domain/finding.h"

namespace kilnwatch::detect {

inline void mask_names(domain::Connection& connection) {
  constexpr std::string_view kField = "Host: ";
  connection.http_host =
      base::mask_text(std::string(kField) + connection.http_host).substr(kField.size());
  connection.tls_name = base::mask_text(connection.tls_name);
  for (domain::DnsName& name : connection.dns_names) name.name = base::mask_text(name.name);
}

// As names are compared: resolvers give them without the last dot.
inline std::string without_dot(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return base::lower(name);
}

// By a Host field or a TLS hello; empty: none, or the address itself.
inline std::string claimed_name(const domain::Connection& connection) {
  if (connection.http_host.empty()) return without_dot(connection.tls_name);
  std::string_view host = connection.http_host;
  host.remove_prefix(host.rfind('@') + 1);  // npos + 1: none
  return without_dot(base::host_name(host.substr(0, host.rfind(':'))));
}

// What looks like a secret stands in it, and no more of it is told: it may be any name.
inline bool is_masked(const std::string& name) { return name.find('*') != name.npos; }

// Names that DNS verified and that the process does not speak against. It may ask for another one
// at the same address (a front of many sites): then there is none, and none either where the name
// that it asks for is a relay's, or is none that DNS could have. Without a claim any of them may be
// meant.
inline std::vector<std::string> verified_names(const domain::Connection& connection) {
  const std::string claim = claimed_name(connection);
  const bool silent = connection.http_host.empty() && connection.tls_name.empty();
  std::vector<std::string> out;
  if (connection.tls_relay) return out;
  for (const domain::DnsName& name : connection.dns_names) {
    if (name.verified && !is_masked(name.name) && (silent || name.name == claim))
      out.push_back(name.name);
  }
  return out;
}

// The one that the destination is told by: verified, and if there is one that the process asks for,
// that. Of those that are not verified only where there is no claim.
inline domain::DnsName told_name(const domain::Connection& connection) {
  const std::string claim = claimed_name(connection);
  const domain::DnsName* best = nullptr;
  for (const domain::DnsName& name : connection.dns_names) {
    if (!name.verified && !claim.empty()) continue;
    if (connection.tls_relay && name.name == claim) continue;  // who is behind it is not told
    const bool agrees = name.name == claim;
    if (best == nullptr || (agrees && best->name != claim)) best = &name;
  }
  return best == nullptr ? domain::DnsName{} : *best;
}

}  // namespace kilnwatch::detect
