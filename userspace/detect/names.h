// The names that a connecting process claims for its destination.
#pragma once

#include <string>
#include <string_view>

#include "base/host_name.h"
#include "base/secrets.h"
#include "domain/finding.h"

namespace kilnwatch::detect {

inline void mask_names(domain::Connection& connection) {
  constexpr std::string_view kField = "Host: ";
  connection.http_host =
      base::mask_text(std::string(kField) + connection.http_host).substr(kField.size());
  connection.tls_name = base::mask_text(connection.tls_name);
}

// By a Host field or a TLS hello; empty: none, or the address itself.
inline std::string claimed_name(const domain::Connection& connection) {
  if (connection.http_host.empty()) return connection.tls_name;
  std::string_view host = connection.http_host;
  host.remove_prefix(host.rfind('@') + 1);  // npos + 1: none
  return base::host_name(host.substr(0, host.rfind(':')));
}

}  // namespace kilnwatch::detect
