// TLS hellos, made by hand.
#pragma once

#include <string>

#include "harness/dns.h"

namespace kilnwatch::test::tls {

// A ClientHello that asks for the name: one record, only what a server's name needs.
inline std::string hello(const std::string& name) {
  using dns::number, dns::sized;
  const std::string server = number(0, 2) + sized(sized(number(0, 1) + sized(name, 2), 2), 2);
  const std::string body = "\x03\x03" + std::string(32, 'r') + sized(std::string(32, 's'), 1) +
                           sized(std::string("\x13\x01\x13\x02", 4), 2) +
                           sized(std::string(1, '\0'), 1) + sized(server, 2);
  return "\x16\x03\x01" + sized("\x01" + sized(body, 3), 2);
}

}  // namespace kilnwatch::test::tls
