// What detect/ concluded; sink/ turns it into the Alert message.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/api_fact.h"
#include "domain/types.h"

namespace kilnwatch::domain {

enum class Rule : std::uint8_t {
  kBuildRequest,
  kBuildEgress,
  kImageDeploy,
  kSensorBlind,
  kImageImport,
  kBuildFailed,
  kContainerPowers
};
enum class Severity : std::uint8_t { kInfo = 1, kLow, kMedium, kHigh, kCritical };
enum class Attribution : std::uint8_t { kExact = 1, kInferred, kAmbiguous };

struct Reason {
  std::string code;                          // kebab-case, stable
  std::string text;                          // a sentence with its evidence
  int weight = 0;                            // in the finding's score; 0: it explains
  std::vector<std::string> techniques = {};  // ids of ATT&CK (domain/attack.h)
};

// Of MITRE ATT&CK.
struct Technique {
  std::string id;
  std::string name;
  std::string tactic;
};

struct Client {
  std::optional<Process> process;
  std::string container_id;  // the client runs in this container
  Endpoint address;          // tcp
  Transport transport = Transport::kUnix;
};

struct Build {
  std::string id;  // stable hash
  EngineKind engine = EngineKind::kDocker;
  std::string container_id;  // the engine or builder runs in this container; empty: on the host
  TimeNs started = 0;
  TimeNs ended = 0;  // 0: running
  BuildStatus status = BuildStatus::kRunning;
  Client client;
  BuildRequested request;
  std::optional<DockerfileSeen> dockerfile;
  std::vector<std::string> base_images;
  // ADDs of URLs as BuildKit tells them, variables filled in; only of a build that an engine's
  // connection may be for.
  std::vector<std::string> added = {};
  std::string host = {};  // it ran on another host, of that name; empty: on this one
};

struct Step {
  std::uint32_t number = 0;  // from 1; 0: not known
  std::uint32_t total = 0;
  std::string stage;  // BuildKit: number and total count within it; empty: the only one
  std::string instruction;
  std::string container_id;  // 64 hex; 25 characters for BuildKit
  std::string cgroup;
  Attribution attribution = Attribution::kExact;
};

// That an answer of DNS gave to an address.
struct DnsName {
  std::string name;       // lower case
  std::string resolver;   // the address that it came from
  bool verified = false;  // whoever connects could hardly have written the answer
  bool heard = false;     // the host's own resolver told the host the same
  bool operator==(const DnsName&) const = default;
};

struct Connection {
  TimeNs time = 0;
  std::uint32_t protocol = 6;
  Endpoint destination;
  std::string http_method;  // from the first payload, empty when not HTTP
  std::string http_host;
  std::string http_path;
  // Of the first payload, of QUIC too: the server that the client asks for, lower case.
  std::string tls_name;
  bool tls_relay = false;               // that is a relay's, the true one is encrypted
  std::vector<DnsName> dns_names = {};  // of the destination's address; the best first
  DnsName dns_name = {};                // the one that the destination is told by; empty: none
  Outcome outcome = Outcome::kPending;
  Process process;
  std::vector<std::string> ancestors;  // exe of parent, grandparent, ...
  bool first_in_builds = true;         // no step of a build of this host connected there before
  bool first_on_host = true;           // nothing on this host did
  std::optional<bool> first_in_fleet = {};  // no build of a host that shares the baseline did
  std::uint32_t count = 1;
  // It is the engine's own, or of git that it executed, or of the command that builds.
  bool by_engine = false;
};

struct Image {
  std::string id;
  std::vector<std::string> tags;
  std::string digest = {};  // of its manifest, as a registry or another store knows it
};

// An image that came without a build.
struct Import {
  std::string id;  // stable hash
  TimeNs time = 0;
  Arrival road = Arrival::kUnknown;
  Client client;
  ImageRequest request;
  std::string container_id;              // commit: of the container; empty: not known
  std::string engine_container_id = {};  // as Build::container_id
};

struct Deployment {
  TimeNs time = 0;       // of the start; of the creation when no start was seen
  bool started = false;  // else: created, and not started so far
  Client client;
  ContainerCreated container;
  std::string engine_container_id = {};  // as Build::container_id
  std::uint32_t engine_uid = 0;          // whose powers are the most that it can give away
};

// What the sensor itself lost.
struct Health {
  std::string cause;  // stable; of conversations: the reader's own words
  std::uint64_t count = 0;
};

// A connection that an earlier finding of the same build told.
struct ChainLink {
  std::string finding;     // its id
  std::string place = {};  // the container, by the name that the kernel side has for it
  Severity severity = Severity::kInfo;
  Step step;
  Connection connection;
};

// What the findings before this one said of its build.
struct Chain {
  std::vector<ChainLink> links;
  std::uint32_t left_out = 0;   // further connections, for want of room
  std::vector<Reason> reasons;  // that had weight, each code once
  std::string request;          // id of the finding that told the request; empty: none did
};

struct Finding {
  std::string id;  // hash(boot id, connection, request number, rule, key)
  TimeNs time = 0;
  Rule rule = Rule::kBuildRequest;
  Severity severity = Severity::kInfo;
  int score = 0;  // which the severity comes from, unless a configuration sets it
  std::string summary;
  std::vector<Reason> reasons;
  std::optional<Build> build;  // none: not known, or one of several (candidates are in reasons)
  std::optional<Step> step;
  std::optional<Connection> connection;
  std::optional<Image> image;
  std::optional<Deployment> deployment;
  std::optional<Health> health;
  std::optional<Import> import;
  std::vector<Technique> techniques;
  std::optional<Chain> chain;
};

}  // namespace kilnwatch::domain
