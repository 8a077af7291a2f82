#include "capture/replay/convert.h"

#include <utility>

namespace kilnwatch::capture {
namespace {

constexpr std::size_t kMaxDnsBytes = 65'535;  // of a datagram
constexpr std::size_t kMaxMoment = 64;        // bytes of its hash
constexpr std::size_t kMaxFleetNote = 4096;   // as fleet::kMaxNote
constexpr std::uint32_t kMaxFleetAnswer = 2;

// Collects what is out of range while fields are read.
struct Reader {
  bool valid = true;

  void require(bool condition) { valid = valid && condition; }

  template <class Enum>
  Enum number(std::uint32_t value, Enum first, Enum last) {
    require(value >= static_cast<std::uint32_t>(first) &&
            value <= static_cast<std::uint32_t>(last));
    return valid ? static_cast<Enum>(value) : first;
  }
  domain::Transport transport(std::uint32_t value) {
    return number(value, domain::Transport::kUnix, domain::Transport::kTcp);
  }
  domain::Outcome outcome(std::uint32_t value) {
    return number(value, domain::Outcome::kPending, domain::Outcome::kSent);
  }
  domain::Endpoint endpoint(const recording::v1::Endpoint& from) {
    require(from.port() <= 0xffff);
    return {from.ip(), static_cast<std::uint16_t>(from.port())};
  }
  static domain::Process process(const recording::v1::Process& from) {
    domain::Process to;
    to.pid = from.pid();
    to.ppid = from.ppid();
    to.start = from.start_ns();
    to.uid = from.uid();
    to.loginuid = from.loginuid();
    to.comm = from.comm();
    to.exe = from.exe();
    to.args.assign(from.args().begin(), from.args().end());
    to.args_cut = from.args_cut();
    to.cgroup = {from.cgroup_id(), from.cgroup_path()};
    to.layers.assign(from.layers().begin(), from.layers().end());
    to.layer_born = from.layer_born_ns();
    return to;
  }

  domain::Event read(std::uint64_t time, const recording::v1::ConnOpened& from) {
    domain::ConnOpened to;
    to.time = time;
    to.conn = from.conn();
    to.join = from.join();
    to.engine = number(from.engine(), domain::EngineKind::kNone, domain::EngineKind::kBuildkitd);
    to.engine_pid = from.engine_pid();
    to.transport = transport(from.transport());
    to.client_pid = from.client_pid();
    to.client_uid = from.client_uid();
    to.midway = from.midway();
    to.fetch = from.fetch();
    to.client = endpoint(from.client());
    to.server = endpoint(from.server());
    to.path = from.path();
    return to;
  }
  domain::Event read(std::uint64_t time, const recording::v1::ClientSeen& from) {
    return domain::ClientSeen{time,
                              from.join(),
                              transport(from.transport()),
                              endpoint(from.client()),
                              endpoint(from.server()),
                              process(from.process())};
  }
  domain::Event read(std::uint64_t time, const recording::v1::ConnData& from) {
    require(from.bytes().size() <= from.span());
    require(from.pos() + from.span() >= from.pos());
    return domain::ConnData{
        time,
        from.conn(),
        number(from.direction(), domain::Direction::kRequest, domain::Direction::kResponse),
        from.pos(),
        from.span(),
        from.skipped_before(),
        from.lost_before(),
        from.at_head(),
        from.bytes()};
  }
  static domain::Event read(std::uint64_t time, const recording::v1::DockerfileRead& from) {
    return domain::DockerfileRead{time,        from.pid(),  from.start_ns(),
                                  from.path(), from.text(), from.sha256()};
  }
  static domain::Event read(std::uint64_t time, const recording::v1::StorageRead& from) {
    domain::StorageRead to{time, from.pid(), from.start_ns(), {}, {}};
    for (const auto& image : from.images()) {
      to.images.push_back({image.id(),
                           image.digest(),
                           {image.names().begin(), image.names().end()},
                           image.created_ns()});
    }
    for (const auto& one : from.containers()) {
      domain::StoredContainer container;
      container.id = one.id();
      container.name = one.name();
      container.image = one.image();
      container.created = one.created_ns();
      container.privileged = one.privileged();
      container.binds.assign(one.binds().begin(), one.binds().end());
      container.capabilities.assign(one.capabilities().begin(), one.capabilities().end());
      container.host_namespaces.assign(one.host_namespaces().begin(), one.host_namespaces().end());
      container.devices.assign(one.devices().begin(), one.devices().end());
      container.unconfined.assign(one.unconfined().begin(), one.unconfined().end());
      container.left_out = one.left_out();
      to.containers.push_back(std::move(container));
    }
    return to;
  }
  domain::Event read(std::uint64_t time, const recording::v1::EgressStarted& from) {
    return domain::EgressStarted{time,
                                 from.egress(),
                                 from.protocol(),
                                 outcome(from.outcome()),
                                 endpoint(from.destination()),
                                 process(from.process()),
                                 from.net()};
  }
  domain::Event read(std::uint64_t time, const recording::v1::DnsAnswered& from) {
    require(from.bytes().size() <= kMaxDnsBytes);
    return domain::DnsAnswered{
        time,       endpoint(from.resolver()), from.loopback(), from.raw(),   from.configured(),
        from.net(), process(from.process()),   from.bytes(),    from.heard(), from.stream()};
  }
};

}  // namespace

Converted from_proto(const recording::v1::Record& record, domain::Event& out) {
  Reader reader;
  const std::uint64_t time = record.time_ns();
  switch (record.kind_case()) {
    case recording::v1::Record::kConnOpened:
      out = reader.read(time, record.conn_opened());
      break;
    case recording::v1::Record::kClientSeen:
      out = reader.read(time, record.client_seen());
      break;
    case recording::v1::Record::kConnData:
      out = reader.read(time, record.conn_data());
      break;
    case recording::v1::Record::kConnClosed:
      out = domain::ConnClosed{time, record.conn_closed().conn()};
      break;
    case recording::v1::Record::kProcessForked: {
      const recording::v1::ProcessForked& from = record.process_forked();
      out = domain::ProcessForked{time, from.parent_pid(), from.pid(), from.start_ns()};
      break;
    }
    case recording::v1::Record::kProcessExecuted:
      out = domain::ProcessExecuted{time, Reader::process(record.process_executed().process()),
                                    record.process_executed().midway()};
      break;
    case recording::v1::Record::kProcessExited: {
      const recording::v1::ProcessExited& from = record.process_exited();
      out = domain::ProcessExited{time, from.pid(), from.start_ns(), from.code()};
      break;
    }
    case recording::v1::Record::kEgressStarted:
      out = reader.read(time, record.egress_started());
      break;
    case recording::v1::Record::kEgressPayload:
      out = domain::EgressPayload{time, record.egress_payload().egress(),
                                  record.egress_payload().bytes(), record.egress_payload().more()};
      break;
    case recording::v1::Record::kEgressOutcome: {
      const recording::v1::EgressOutcome& from = record.egress_outcome();
      out = domain::EgressOutcome{time, from.egress(), reader.outcome(from.outcome())};
      break;
    }
    case recording::v1::Record::kDnsAnswered:
      out = reader.read(time, record.dns_answered());
      break;
    case recording::v1::Record::kKernelLoss:
      out = domain::KernelLoss{time, record.kernel_loss().cause(), record.kernel_loss().count()};
      break;
    case recording::v1::Record::kDockerfileRead:
      out = Reader::read(time, record.dockerfile_read());
      break;
    case recording::v1::Record::kStorageRead:
      out = Reader::read(time, record.storage_read());
      break;
    case recording::v1::Record::kEnded:
      out = domain::Tick{time};
      break;
    case recording::v1::Record::kFleetAnswered: {
      const recording::v1::FleetAnswered& from = record.fleet_answered();
      const bool valid = from.moment().size() <= kMaxMoment && from.answer() <= kMaxFleetAnswer &&
                         from.note().size() <= kMaxFleetNote;
      return valid ? Converted::kAnswer : Converted::kInvalid;
    }
    case recording::v1::Record::KIND_NOT_SET:
      return Converted::kUnknownKind;
  }
  return reader.valid ? Converted::kEvent : Converted::kInvalid;
}

domain::FleetAnswered answer_of(const recording::v1::Record& record) {
  const recording::v1::FleetAnswered& from = record.fleet_answered();
  return {record.time_ns(), from.moment(),     from.answer(),
          from.capped(),    from.known_name(), from.note()};
}

}  // namespace kilnwatch::capture
