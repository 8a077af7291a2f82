// What the first bytes of a connection say of it.
#pragma once

#include <string>
#include <utility>

#include "domain/finding.h"
#include "protocol/http1/first_request.h"
#include "protocol/tls/client_hello.h"

namespace kilnwatch::tracker {

struct Claims {
  std::string http_method;
  std::string http_host;
  std::string http_path;
  std::string tls_name;
  bool tls_relay = false;
  bool hello_whole = false;  // no more of a TLS hello will come
};

// Adds what they say. Of a hello that grows the longer part says no less, in whatever order they
// come.
inline void read_payload(const std::string& payload, Claims& claims) {
  if (auto request = protocol::read_first_request(payload)) {
    claims.http_method = request->method;
    claims.http_path = request->target;
    claims.http_host = request->host;
  }
  if (auto hello = protocol::read_client_hello(payload)) {
    if (!hello->server_name.empty()) claims.tls_name = std::move(hello->server_name);
    claims.tls_relay = claims.tls_relay || hello->encrypted;
    claims.hello_whole = claims.hello_whole || hello->whole;
  }
}

inline void tell_claims(Claims claims, domain::Connection& connection) {
  connection.http_method = std::move(claims.http_method);
  connection.http_path = std::move(claims.http_path);
  connection.http_host = std::move(claims.http_host);
  connection.tls_name = std::move(claims.tls_name);
  connection.tls_relay = claims.tls_relay;
}

}  // namespace kilnwatch::tracker
