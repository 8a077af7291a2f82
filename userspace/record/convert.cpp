#include "record/convert.h"

namespace kilnwatch::record {
namespace {

void put(const domain::Endpoint& from, recording::v1::Endpoint& to) {
  to.set_ip(from.ip);
  to.set_port(from.port);
}

void put(const domain::Process& from, recording::v1::Process& to) {
  to.set_pid(from.pid);
  to.set_ppid(from.ppid);
  to.set_start_ns(from.start);
  to.set_uid(from.uid);
  to.set_loginuid(from.loginuid);
  to.set_comm(from.comm);
  to.set_exe(from.exe);
  for (const std::string& arg : from.args) to.add_args(arg);
  to.set_args_cut(from.args_cut);
  to.set_cgroup_id(from.cgroup.id);
  to.set_cgroup_path(from.cgroup.path);
  for (const std::string& layer : from.layers) to.add_layers(layer);
  to.set_layer_born_ns(from.layer_born);
}

template <class Enum>
std::uint32_t number(Enum value) {
  return static_cast<std::uint32_t>(value);
}

struct Writer {
  recording::v1::Record& out;

  bool operator()(const domain::ConnOpened& e) const {
    recording::v1::ConnOpened& to = *out.mutable_conn_opened();
    to.set_conn(e.conn);
    to.set_join(e.join);
    to.set_engine(number(e.engine));
    to.set_engine_pid(e.engine_pid);
    to.set_transport(number(e.transport));
    to.set_client_pid(e.client_pid);
    to.set_client_uid(e.client_uid);
    to.set_midway(e.midway);
    to.set_fetch(e.fetch);
    put(e.client, *to.mutable_client());
    put(e.server, *to.mutable_server());
    to.set_path(e.path);
    return true;
  }
  bool operator()(const domain::ClientSeen& e) const {
    recording::v1::ClientSeen& to = *out.mutable_client_seen();
    to.set_join(e.join);
    to.set_transport(number(e.transport));
    put(e.client, *to.mutable_client());
    put(e.server, *to.mutable_server());
    put(e.process, *to.mutable_process());
    return true;
  }
  bool operator()(const domain::ConnData& e) const {
    recording::v1::ConnData& to = *out.mutable_conn_data();
    to.set_conn(e.conn);
    to.set_direction(number(e.direction));
    to.set_pos(e.pos);
    to.set_span(e.span);
    to.set_bytes(e.bytes);
    to.set_skipped_before(e.skipped_before);
    to.set_lost_before(e.lost_before);
    to.set_at_head(e.at_head);
    return true;
  }
  bool operator()(const domain::ConnClosed& e) const {
    out.mutable_conn_closed()->set_conn(e.conn);
    return true;
  }
  bool operator()(const domain::ProcessForked& e) const {
    recording::v1::ProcessForked& to = *out.mutable_process_forked();
    to.set_parent_pid(e.parent_pid);
    to.set_pid(e.pid);
    to.set_start_ns(e.start);
    return true;
  }
  bool operator()(const domain::ProcessExecuted& e) const {
    put(e.process, *out.mutable_process_executed()->mutable_process());
    out.mutable_process_executed()->set_midway(e.midway);
    return true;
  }
  bool operator()(const domain::ProcessExited& e) const {
    recording::v1::ProcessExited& to = *out.mutable_process_exited();
    to.set_pid(e.pid);
    to.set_start_ns(e.start);
    to.set_code(e.code);
    return true;
  }
  bool operator()(const domain::EgressStarted& e) const {
    recording::v1::EgressStarted& to = *out.mutable_egress_started();
    to.set_egress(e.egress);
    to.set_protocol(e.protocol);
    to.set_outcome(number(e.outcome));
    put(e.destination, *to.mutable_destination());
    put(e.process, *to.mutable_process());
    to.set_net(e.net);
    return true;
  }
  bool operator()(const domain::EgressPayload& e) const {
    recording::v1::EgressPayload& to = *out.mutable_egress_payload();
    to.set_egress(e.egress);
    to.set_bytes(e.bytes);
    to.set_more(e.more);
    return true;
  }
  bool operator()(const domain::EgressOutcome& e) const {
    recording::v1::EgressOutcome& to = *out.mutable_egress_outcome();
    to.set_egress(e.egress);
    to.set_outcome(number(e.outcome));
    return true;
  }
  bool operator()(const domain::DnsAnswered& e) const {
    recording::v1::DnsAnswered& to = *out.mutable_dns_answered();
    put(e.resolver, *to.mutable_resolver());
    to.set_loopback(e.loopback);
    to.set_raw(e.raw);
    to.set_heard(e.heard);
    to.set_stream(e.stream);
    to.set_configured(e.configured);
    to.set_net(e.net);
    put(e.process, *to.mutable_process());
    to.set_bytes(e.bytes);
    return true;
  }
  bool operator()(const domain::KernelLoss& e) const {
    recording::v1::KernelLoss& to = *out.mutable_kernel_loss();
    to.set_cause(e.cause);
    to.set_count(e.count);
    return true;
  }
  bool operator()(const domain::DockerfileRead& e) const {
    recording::v1::DockerfileRead& to = *out.mutable_dockerfile_read();
    to.set_pid(e.pid);
    to.set_start_ns(e.start);
    to.set_path(e.path);
    to.set_text(e.text);
    to.set_sha256(e.sha256);
    return true;
  }
  bool operator()(const domain::StorageRead& e) const {
    recording::v1::StorageRead& to = *out.mutable_storage_read();
    to.set_pid(e.pid);
    to.set_start_ns(e.start);
    for (const auto& image : e.images) {
      recording::v1::StoredImage& one = *to.add_images();
      one.set_id(image.id);
      one.set_digest(image.digest);
      for (const std::string& name : image.names) one.add_names(name);
      one.set_created_ns(image.created);
    }
    for (const auto& container : e.containers) {
      recording::v1::StoredContainer& one = *to.add_containers();
      one.set_id(container.id);
      one.set_name(container.name);
      one.set_image(container.image);
      one.set_created_ns(container.created);
      one.set_privileged(container.privileged);
      for (const std::string& bind : container.binds) one.add_binds(bind);
      for (const std::string& name : container.capabilities) one.add_capabilities(name);
      for (const std::string& name : container.host_namespaces) one.add_host_namespaces(name);
      for (const std::string& device : container.devices) one.add_devices(device);
      for (const std::string& name : container.unconfined) one.add_unconfined(name);
      one.set_left_out(container.left_out);
    }
    return true;
  }
  // Parts of a head, that have no meaning alone: what may be kept is the payload made of them.
  bool operator()(const domain::EgressSent&) const { return false; }
  // Its bytes are under keys that anybody can make: what may be kept is the hello's payload.
  bool operator()(const domain::EgressDatagram&) const { return false; }
  // The answers in it are.
  bool operator()(const domain::DnsBytes&) const { return false; }
  bool operator()(const domain::Tick&) const { return false; }
};

}  // namespace

bool to_proto(const domain::Event& event, recording::v1::Record& out) {
  out.Clear();
  if (!std::visit(Writer{out}, event)) return false;
  out.set_time_ns(domain::time_of(event));
  return true;
}

recording::v1::Record to_proto(const domain::FleetAnswered& answer) {
  recording::v1::Record out;
  out.set_time_ns(answer.time);
  recording::v1::FleetAnswered& to = *out.mutable_fleet_answered();
  to.set_moment(answer.moment);
  to.set_answer(answer.answer);
  to.set_capped(answer.capped);
  to.set_known_name(answer.known_name);
  to.set_note(answer.note);
  return out;
}

}  // namespace kilnwatch::record
