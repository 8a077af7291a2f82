// What the kernel saw: one struct per kind, produced by decode (live) and by capture/replay.
// Passive data; order of arrival is not guaranteed beyond 50 ms.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "domain/types.h"

namespace kilnwatch::domain {

// An engine process accepted a connection (or had one when the sensor started: midway).
struct ConnOpened {
  TimeNs time = 0;
  ConnId conn = 0;
  std::uint64_t join = 0;  // unix: equals ClientSeen::join of the connecting process
  EngineKind engine = EngineKind::kNone;
  std::uint32_t engine_pid = 0;
  Transport transport = Transport::kUnix;
  std::uint32_t client_pid = 0;  // unix only, SO_PEERCRED
  std::uint32_t client_uid = 0;
  bool midway = false;
  Endpoint client;     // tcp only
  Endpoint server;     // tcp only
  std::string path;    // unix only; an abstract name starts with '@'
  bool fetch = false;  // the engine is the client: it writes requests and reads responses
};

// The connecting process, seen in its own context; may come before or after ConnOpened.
struct ClientSeen {
  TimeNs time = 0;
  std::uint64_t join = 0;
  Transport transport = Transport::kUnix;
  Endpoint client;
  Endpoint server;
  Process process;
};

// Bytes of one direction. Stands for [pos, pos + span); bytes holds the first part of that,
// the rest was left in the kernel on purpose.
struct ConnData {
  TimeNs time = 0;
  ConnId conn = 0;
  Direction direction = Direction::kRequest;
  std::uint64_t pos = 0;
  std::uint32_t span = 0;
  bool skipped_before = false;  // the jump to pos was on purpose
  bool lost_before = false;     // a record of this direction was dropped before this one
  bool at_head = false;         // first byte begins a message head, as the kernel's framing has it
  std::string bytes;
};

struct ConnClosed {
  TimeNs time = 0;
  ConnId conn = 0;
};

struct ProcessForked {
  TimeNs time = 0;
  std::uint32_t parent_pid = 0;
  std::uint32_t pid = 0;
  TimeNs start = 0;
};

// exec; process.exe is the path given to exec.
struct ProcessExecuted {
  TimeNs time = 0;
  Process process;
  bool midway = false;  // ran already when the sensor met it; what it did before is not known
};

struct ProcessExited {
  TimeNs time = 0;
  std::uint32_t pid = 0;
  TimeNs start = 0;
  std::uint32_t code = 0;
};

// First connect or send from a cgroup to a destination; repeats are folded in the kernel.
struct EgressStarted {
  TimeNs time = 0;
  EgressId egress = 0;
  std::uint32_t protocol = 6;  // IPPROTO_*
  Outcome outcome = Outcome::kPending;
  Endpoint destination;
  Process process;        // args and exe are empty: join by pid with ProcessExecuted
  std::uint32_t net = 0;  // number of its network namespace; 0: not known
};

// The first bytes sent, as far as they are known; over UDP: the TLS hello of a QUIC client as it
// would be sent over TCP. Several may come, and the latest says most.
struct EgressPayload {
  TimeNs time = 0;
  EgressId egress = 0;
  std::string bytes;
  bool more = false;  // over TCP: the head of a request or the hello goes on behind them
};

// What was sent first over TCP, or behind that, by one send. Never recorded: the pipeline puts the
// parts of a head together, and makes an EgressPayload of them.
struct EgressSent {
  TimeNs time = 0;
  EgressId egress = 0;
  std::string bytes;
  bool first = true;
  bool whole = true;  // false: the send had more
};

// What a QUIC client sent at first, by one send: a datagram, or several behind each other. Never
// recorded: the pipeline reads it, and makes an EgressPayload of the TLS hello in it.
struct EgressDatagram {
  TimeNs time = 0;
  EgressId egress = 0;
  std::string bytes;
};

struct EgressOutcome {
  TimeNs time = 0;
  EgressId egress = 0;
  Outcome outcome = Outcome::kPending;
};

// A datagram from a resolver's port (53), as a process received it: most likely a DNS answer.
struct DnsAnswered {
  TimeNs time = 0;
  Endpoint resolver;        // whoever sent it says so
  bool loopback = false;    // it may have been sent from within the network namespace
  bool raw = false;         // a process beside it has made a socket that sends under any address
  bool configured = false;  // the host's own configuration names the resolver, not for loopback
  std::uint32_t net = 0;    // as EgressStarted's
  Process process;          // as EgressStarted's
  std::string bytes;        // the first of them
  // The host's own resolver said it to the host, or through it to whomever it forwards to. Without
  // a process (pid 0) nobody is known whom it told.
  bool heard = false;
  // It came over TCP: read from the process's memory, so that nobody but the process says so.
  bool stream = false;
};

// What a process read of a TCP connection to a resolver's port (53), as it stood in its memory.
// Whole answers in it become DnsAnswered before anything else is made of them.
struct DnsBytes {
  TimeNs time = 0;
  std::uint64_t stream = 0;  // the connection; may come again for a later one
  Endpoint resolver;
  std::uint32_t net = 0;  // as EgressStarted's
  Process process;        // as EgressStarted's
  std::uint32_t length = 0;
  std::string bytes;  // the first of them
};

// What a build's file said when its command was executed: found as the process itself would find
// it. It may be changed before the builder reads it.
struct DockerfileRead {
  TimeNs time = 0;
  std::uint32_t pid = 0;  // the command
  TimeNs start = 0;
  std::string path;    // as opened, in the process's root
  std::string text;    // secrets masked
  std::string sha256;  // of the bytes of the file
};

struct StoredImage {
  std::string id;      // "sha256:<64 hex>"
  std::string digest;  // of the manifest
  std::vector<std::string> names;
  TimeNs created = 0;  // 0: not known, or before the boot
};

struct StoredContainer {
  std::string id;  // 64 hex
  std::string name;
  std::string image;   // StoredImage::id; empty: none
  TimeNs created = 0;  // as StoredImage's
  bool privileged = false;
  std::vector<std::string> binds;         // "source:target", host paths
  std::vector<std::string> capabilities;  // beyond the engine's usual ones
  std::vector<std::string> host_namespaces;
  std::vector<std::string> devices = {};     // as in ContainerCreated
  std::vector<std::string> unconfined = {};  // likewise
  std::uint32_t left_out = 0;                // of these lists
};

// What the store of containers/storage held when the process began (a container's, or a command
// that names a working container) or was over (a build): what concerns it.
struct StorageRead {
  TimeNs time = 0;
  std::uint32_t pid = 0;
  TimeNs start = 0;
  std::vector<StoredImage> images;
  std::vector<StoredContainer> containers;
};

// Records that a kernel buffer or map refused since the last report.
struct KernelLoss {
  TimeNs time = 0;
  std::string cause;  // "ring", "connections", ...
  std::uint64_t count = 0;
};

// Time passed with nothing to say: lets deadlines fire. Not recorded.
struct Tick {
  TimeNs time = 0;
};

using Event = std::variant<ConnOpened, ClientSeen, ConnData, ConnClosed, ProcessForked,
                           ProcessExecuted, ProcessExited, EgressStarted, EgressPayload,
                           EgressOutcome, KernelLoss, DockerfileRead, StorageRead, DnsAnswered,
                           EgressSent, EgressDatagram, DnsBytes, Tick>;

inline TimeNs time_of(const Event& event) {
  return std::visit([](const auto& e) { return e.time; }, event);
}

}  // namespace kilnwatch::domain
