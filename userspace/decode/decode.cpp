#include "decode/decode.h"

#include <cstring>
#include <string>
#include <utility>

#include "decode/fields.h"
#include "wire/events.h"

namespace kilnwatch::decode {
namespace {

using base::Error;
using base::ErrorClass;
using base::Result;
using domain::Event;

// The layout as both compilers must see it; a change here is a new KW_WIRE_VERSION.
static_assert(sizeof(kw_header) == 16 && sizeof(kw_address) == 24 && sizeof(kw_task) == 560);
static_assert(sizeof(kw_conn_open) == 216 && sizeof(kw_conn_data) == 48);
static_assert(sizeof(kw_conn_close) == 24 && sizeof(kw_client) == 1664);
static_assert(sizeof(kw_fork) == 32 && sizeof(kw_exec) == 1864 && sizeof(kw_exit) == 32);
static_assert(sizeof(kw_egress) == 624 && sizeof(kw_egress_data) == 32);
static_assert(sizeof(kw_egress_outcome) == 32 && sizeof(kw_dns) == 1128);
static_assert(sizeof(kw_dns_bytes) == 1136);
static_assert(offsetof(kw_conn_data, payload) == 48 && offsetof(kw_client, argv) == 640);
static_assert(offsetof(kw_exec, argv) == 840);
static_assert(static_cast<int>(domain::EngineKind::kDocker) == KW_ENGINE_DOCKER);
static_assert(static_cast<int>(domain::EngineKind::kContainerd) == KW_ENGINE_CONTAINERD);
static_assert(static_cast<int>(domain::EngineKind::kPodman) == KW_ENGINE_PODMAN);
static_assert(static_cast<int>(domain::EngineKind::kBuildkitd) == KW_ENGINE_BUILDKITD);
static_assert(static_cast<int>(domain::Transport::kUnix) == KW_UNIX);
static_assert(static_cast<int>(domain::Transport::kTcp) == KW_TCP);
static_assert(static_cast<int>(domain::Direction::kRequest) == KW_REQUEST);
static_assert(static_cast<int>(domain::Direction::kResponse) == KW_RESPONSE);
static_assert(static_cast<int>(domain::Outcome::kPending) == KW_PENDING);
static_assert(static_cast<int>(domain::Outcome::kEstablished) == KW_ESTABLISHED);
static_assert(static_cast<int>(domain::Outcome::kRefused) == KW_REFUSED);
static_assert(static_cast<int>(domain::Outcome::kTimedOut) == KW_TIMED_OUT);
static_assert(static_cast<int>(domain::Outcome::kSent) == KW_SENT);

Error refused(const kw_header& header, const std::string& what) {
  return {ErrorClass::kInput, "kernel record of kind " + std::to_string(header.kind) + ", " +
                                  std::to_string(header.size) + " bytes: " + what};
}

bool known_transport(unsigned value) { return value == KW_UNIX || value == KW_TCP; }
bool known_outcome(unsigned value) { return value <= KW_SENT; }
bool known_engine(unsigned value) { return value < KW_ENGINE_MAX; }

Result<Event> convert(const kw_conn_open& r) {
  if (!known_transport(r.transport)) return refused(r.h, "unknown transport");
  if (!known_engine(r.engine)) return refused(r.h, "unknown engine");
  domain::ConnOpened e;
  e.time = r.h.time_ns;
  e.conn = r.conn;
  e.join = r.join;
  e.engine = static_cast<domain::EngineKind>(r.engine);
  e.engine_pid = r.engine_pid;
  e.transport = static_cast<domain::Transport>(r.transport);
  e.client_pid = r.client_pid;
  e.client_uid = r.client_uid;
  e.midway = (r.flags & KW_F_MIDWAY) != 0;
  e.fetch = (r.flags & KW_F_FETCH) != 0;
  if (e.transport == domain::Transport::kTcp) {
    e.client = endpoint_of(r.client);
    e.server = endpoint_of(r.server);
  } else {
    e.path = unix_path({r.path, sizeof(r.path)});
  }
  return Event(std::move(e));
}

Result<Event> convert(const kw_client& r) {
  if (!known_transport(r.transport)) return refused(r.h, "unknown transport");
  if (r.argv_len > sizeof(r.argv)) return refused(r.h, "argument length out of range");
  domain::ClientSeen e;
  e.time = r.h.time_ns;
  e.join = r.join;
  e.transport = static_cast<domain::Transport>(r.transport);
  if (e.transport == domain::Transport::kTcp) {
    e.client = endpoint_of(r.client);
    e.server = endpoint_of(r.server);
  }
  e.process = process_of(r.task);
  e.process.args = arguments({r.argv, r.argv_len});
  e.process.args_cut = r.argv_len == sizeof(r.argv);
  return Event(std::move(e));
}

Result<Event> convert(const kw_conn_close& r) {
  return Event(domain::ConnClosed{r.h.time_ns, r.conn});
}

Result<Event> convert(const kw_fork& r) {
  return Event(domain::ProcessForked{r.h.time_ns, r.parent_pid, r.pid, r.start_ns});
}

Result<Event> convert(const kw_exec& r) {
  if (r.argv_len > sizeof(r.argv)) return refused(r.h, "argument length out of range");
  domain::ProcessExecuted e;
  e.time = r.h.time_ns;
  e.process = process_of(r.task);
  e.process.exe = text_of(r.file);
  e.process.args = arguments({r.argv, r.argv_len});
  e.process.args_cut = r.argv_len == sizeof(r.argv);
  return Event(std::move(e));
}

Result<Event> convert(const kw_exit& r) {
  return Event(domain::ProcessExited{r.h.time_ns, r.pid, r.start_ns, r.code});
}

Result<Event> convert(const kw_egress& r) {
  if (!known_outcome(r.outcome)) return refused(r.h, "unknown outcome");
  domain::EgressStarted e;
  e.time = r.h.time_ns;
  e.egress = r.egress;
  e.protocol = r.protocol;
  e.outcome = static_cast<domain::Outcome>(r.outcome);
  e.destination = endpoint_of(r.destination);
  e.process = process_of(r.task);
  e.net = r.net;
  return Event(std::move(e));
}

Result<Event> convert(const kw_egress_outcome& r) {
  if (!known_outcome(r.outcome)) return refused(r.h, "unknown outcome");
  return Event(
      domain::EgressOutcome{r.h.time_ns, r.egress, static_cast<domain::Outcome>(r.outcome)});
}

Result<Event> convert(const kw_dns& r) {
  if (r.captured > sizeof(r.payload)) return refused(r.h, "payload length out of range");
  domain::DnsAnswered e;
  e.time = r.h.time_ns;
  e.resolver = endpoint_of(r.resolver);
  e.loopback = (r.flags & KW_F_LOOPBACK) != 0;
  e.raw = (r.flags & KW_F_RAW) != 0;
  e.heard = (r.flags & KW_F_HEARD) != 0;
  e.net = r.net;
  e.process = process_of(r.task);
  e.bytes.assign(r.payload, r.captured);
  return Event(std::move(e));
}

Result<Event> convert(const kw_dns_bytes& r) {
  if (r.captured > sizeof(r.payload) || r.captured > r.length)
    return refused(r.h, "payload length out of range");
  domain::DnsBytes e;
  e.time = r.h.time_ns;
  e.stream = r.stream;
  e.resolver = endpoint_of(r.resolver);
  e.net = r.net;
  e.process = process_of(r.task);
  e.length = r.length;
  e.bytes.assign(r.payload, r.captured);
  return Event(std::move(e));
}

// A record with a tail: its size says how much room was reserved, `captured` how much is
// used.
Result<Event> conn_data(const kw_header& header, std::span<const std::byte> record) {
  if (record.size() < sizeof(kw_conn_data)) return refused(header, "shorter than its kind");
  kw_conn_data r;
  std::memcpy(&r, record.data(), sizeof(r));
  const std::size_t room = record.size() - sizeof(r);
  if (room > KW_DATA_LARGE) return refused(header, "longer than its kind");
  if (r.captured > room) return refused(header, "payload length out of range");
  if (r.captured > r.span) return refused(header, "more bytes than it stands for");
  if (r.direction > KW_RESPONSE) return refused(header, "unknown direction");
  if (r.pos + r.span < r.pos) return refused(header, "position out of range");
  domain::ConnData e;
  e.time = r.h.time_ns;
  e.conn = r.conn;
  e.direction = static_cast<domain::Direction>(r.direction);
  e.pos = r.pos;
  e.span = r.span;
  e.skipped_before = (r.flags & KW_F_SKIPPED_BEFORE) != 0;
  e.lost_before = (r.flags & KW_F_LOST_BEFORE) != 0;
  e.at_head = (r.flags & KW_F_AT_HEAD) != 0;
  e.bytes.resize(r.captured);
  if (r.captured > 0) std::memcpy(e.bytes.data(), record.data() + sizeof(r), r.captured);
  return Event(std::move(e));
}

Event made(domain::EgressDatagram, const kw_egress_data& r, std::string bytes) {
  return domain::EgressDatagram{r.h.time_ns, r.egress, std::move(bytes)};
}

Event made(domain::EgressSent, const kw_egress_data& r, std::string bytes) {
  return domain::EgressSent{r.h.time_ns, r.egress, std::move(bytes), r.h.kind == KW_EGRESS_DATA,
                            r.captured == r.length};
}

// The same of what a process sent at first.
template <class Made>
Result<Event> first_sent(const kw_header& header, std::span<const std::byte> record) {
  kw_egress_data r;
  if (record.size() < sizeof(r)) return refused(header, "shorter than its kind");
  std::memcpy(&r, record.data(), sizeof(r));
  const std::size_t room = record.size() - sizeof(r);
  if (room > KW_DATA_LARGE) return refused(header, "longer than its kind");
  if (r.captured > room) return refused(header, "payload length out of range");
  if (r.captured > r.length) return refused(header, "more bytes than it stands for");
  std::string bytes(r.captured, '\0');
  if (r.captured > 0) std::memcpy(bytes.data(), record.data() + sizeof(r), r.captured);
  return made(Made{}, r, std::move(bytes));
}

template <class Wire>
Result<Event> fixed(const kw_header& header, std::span<const std::byte> record) {
  if (record.size() != sizeof(Wire)) return refused(header, "not the size of its kind");
  Wire wire;
  std::memcpy(&wire, record.data(), sizeof(wire));
  return convert(wire);
}

}  // namespace

std::uint32_t wire_version() { return KW_WIRE_VERSION; }

Result<Event> decode(std::span<const std::byte> record) {
  kw_header header{};
  if (record.size() < sizeof(header)) {
    return Error{ErrorClass::kInput, "kernel record of " + std::to_string(record.size()) +
                                         " bytes: no room for a header"};
  }
  std::memcpy(&header, record.data(), sizeof(header));
  if (header.version != KW_WIRE_VERSION) {
    return refused(header, "wire version " + std::to_string(header.version) +
                               ", this program reads " + std::to_string(KW_WIRE_VERSION));
  }
  if (header.size != record.size()) {
    return refused(header, std::to_string(record.size()) + " bytes arrived");
  }
  switch (header.kind) {
    case KW_CONN_OPEN:
      return fixed<kw_conn_open>(header, record);
    case KW_CONN_DATA:
      return conn_data(header, record);
    case KW_CONN_CLOSE:
      return fixed<kw_conn_close>(header, record);
    case KW_CLIENT:
      return fixed<kw_client>(header, record);
    case KW_FORK:
      return fixed<kw_fork>(header, record);
    case KW_EXEC:
      return fixed<kw_exec>(header, record);
    case KW_EXIT:
      return fixed<kw_exit>(header, record);
    case KW_EGRESS:
      return fixed<kw_egress>(header, record);
    case KW_EGRESS_DATA:
    case KW_EGRESS_MORE:
      return first_sent<domain::EgressSent>(header, record);
    case KW_EGRESS_OUTCOME:
      return fixed<kw_egress_outcome>(header, record);
    case KW_DNS:
      return fixed<kw_dns>(header, record);
    case KW_EGRESS_DATAGRAM:
      return first_sent<domain::EgressDatagram>(header, record);
    case KW_DNS_BYTES:
      return fixed<kw_dns_bytes>(header, record);
    default:
      return refused(header, "unknown kind");
  }
}

}  // namespace kilnwatch::decode
