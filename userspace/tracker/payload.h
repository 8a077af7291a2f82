// What the first bytes of a connection say of it.
#pragma once

#include <string>
#include <utility>

#include "domain/finding.h"
#include "protocol/http1/first_request.h"
#include "protocol/tls/client_hello.h"

namespace kilnwatch::tracker {

inline void read_payload(const std::string& payload, domain::Connection& connection) {
  if (const auto request = protocol::read_first_request(payload)) {
    connection.http_method = request->method;
    connection.http_path = request->target;
    connection.http_host = request->host;
  }
  if (auto hello = protocol::read_client_hello(payload)) {
    connection.tls_name = std::move(hello->server_name);
    connection.tls_relay = hello->encrypted;
  }
}

}  // namespace kilnwatch::tracker
