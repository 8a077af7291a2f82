// What a user's configuration says, as plain values (design §4.3). Without a file: all of it empty,
// and nothing is judged differently.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domain/finding.h"

namespace kilnwatch::policy {

// A network of IPv4 or IPv6; mapped addresses are IPv4.
struct Network {
  bool v4 = false;
  std::array<std::uint8_t, 16> bytes{};  // of IPv4 the first four
  unsigned bits = 0;                     // length of the prefix
};

struct Ports {
  std::uint16_t first = 0;
  std::uint16_t last = 0xffff;
};

// Every part that is set must agree; at least one is.
struct Destination {
  std::string domain;  // lower case; "*.example.org": any name below it, not itself; empty: any
  std::optional<Network> network;
  std::optional<Ports> ports;
  std::string text;  // as it is told
};

// Likewise.
struct Client {
  std::optional<std::uint32_t> uid;
  std::string exe;                 // path, whole
  std::string container;           // the beginning of its id, kMinContainer characters or more
  std::optional<Network> address;  // of a client over TCP
  std::string text;
};

// Findings that somebody answers for: lowered, and told as such.
struct Exception {
  std::string owner;
  std::string reason;
  std::string expires;    // YYYY-MM-DD: the last day
  std::uint64_t end = 0;  // the first moment after it, ns since 1970
  domain::Rule rule = domain::Rule::kBuildEgress;
  domain::Severity severity = domain::Severity::kInfo;  // at most
  std::optional<Client> client;
  std::optional<Destination> destination;  // no domain
  unsigned line = 0;
};

// "redis://HOST:PORT/DATABASE", "rediss://…" with TLS.
struct StoreUrl {
  bool tls = false;
  std::string host;  // name or address, lower case
  std::uint16_t port = 0;
  unsigned database = 0;
  std::string text;  // as it is told; no secret is in it
  bool operator==(const StoreUrl&) const = default;
};

// The server that hosts share a baseline over, and what it takes to be let in. Empty: none.
struct SharedStore {
  StoreUrl url;
  std::string user;
  std::string password_file;
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  bool operator==(const SharedStore&) const = default;
};

struct Policy {
  std::vector<std::string> registries;  // "docker.io", "ghcr.io/acme", "*.example.org"
  std::vector<Destination> allow;
  std::vector<Destination> deny;
  std::vector<Client> clients;
  std::optional<domain::TimeNs> deploy_window;
  std::optional<domain::TimeNs> deploy_soon;   // after a build: at once
  std::optional<domain::TimeNs> learn_for;     // after the baseline's creation
  std::optional<domain::TimeNs> expire_after;  // not seen for longer: new again
  std::optional<SharedStore> store;            // beside this host's own
  std::map<domain::Rule, domain::Severity> severity;
  std::vector<Exception> exceptions;
  // Other names of ATT&CK's tactics, by the usual name or by a technique's id.
  std::map<std::string, std::string> tactics;
};

}  // namespace kilnwatch::policy
