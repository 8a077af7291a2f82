#include "sink/convert.h"

#include <netinet/in.h>

#include "base/host_name.h"
#include "base/utf8.h"

namespace kilnwatch::sink {
namespace {

using namespace domain;
using base::valid_utf8;

template <class List>
void fill(List* list, const std::vector<std::string>& from) {
  for (const std::string& s : from) *list->Add() = valid_utf8(s);
}

void stamp(google::protobuf::Timestamp* to, TimeNs time, const HostFacts& host) {
  const std::uint64_t wall = time + host.wall_offset_ns;
  to->set_seconds(static_cast<std::int64_t>(wall / 1'000'000'000));
  to->set_nanos(static_cast<std::int32_t>(wall % 1'000'000'000));
}

void client(v1::Client* to, const Client& from) {
  if (from.transport != Transport::kNone)
    to->set_transport(from.transport == Transport::kTcp ? v1::TRANSPORT_TCP : v1::TRANSPORT_UNIX);
  to->set_container_id(from.container_id);
  if (from.transport == Transport::kTcp) {
    to->mutable_address()->set_ip(from.address.ip);
    to->mutable_address()->set_port(from.address.port);
  }
  if (!from.process) return;
  to->set_pid(from.process->pid);
  to->set_uid(from.process->uid);
  if (from.process->loginuid != kNoLoginUid) to->set_loginuid(from.process->loginuid);
  to->set_exe(valid_utf8(from.process->exe));
  fill(to->mutable_args(), from.process->args);
}

v1::BuildStatus status(BuildStatus from) {
  switch (from) {
    case BuildStatus::kRunning:
      return v1::BUILD_STATUS_RUNNING;
    case BuildStatus::kSucceeded:
      return v1::BUILD_STATUS_SUCCEEDED;
    case BuildStatus::kFailed:
    case BuildStatus::kRefused:
      return v1::BUILD_STATUS_FAILED;
    case BuildStatus::kCancelled:
      return v1::BUILD_STATUS_CANCELLED;
    case BuildStatus::kUnknown:
      return v1::BUILD_STATUS_UNKNOWN;
  }
  return v1::BUILD_STATUS_UNSPECIFIED;
}

v1::Engine engine(const Build& from) {
  switch (from.request.engine) {
    case EngineKind::kPodman:
      return v1::ENGINE_PODMAN;
    case EngineKind::kBuildkitd:
      return v1::ENGINE_BUILDKITD;
    case EngineKind::kBuildah:
      return v1::ENGINE_BUILDAH;
    case EngineKind::kKaniko:
      return v1::ENGINE_KANIKO;
    default:
      return from.request.buildkit ? v1::ENGINE_DOCKER_BUILDKIT : v1::ENGINE_DOCKER_CLASSIC;
  }
}

template <class Asked>
void call(v1::Request* to, const Asked& from) {
  to->set_method(valid_utf8(from.method));
  to->set_path(valid_utf8(from.path));
  to->set_api_version(valid_utf8(from.api_version));
  to->set_user_agent(valid_utf8(from.user_agent));
}

void build(v1::Build* to, const Build& from, const HostFacts& host) {
  to->set_id(from.id);
  if (!from.request.builder_unknown) to->set_engine(engine(from));
  to->set_container_id(from.container_id);
  to->set_host(valid_utf8(from.host));
  if (from.started != 0 || from.host.empty()) stamp(to->mutable_started(), from.started, host);
  if (from.ended != 0) stamp(to->mutable_ended(), from.ended, host);
  to->set_status(status(from.status));
  client(to->mutable_client(), from.client);
  v1::Request* r = to->mutable_request();
  call(r, from.request);
  r->set_remote_context(valid_utf8(from.request.remote_context));
  r->set_dockerfile_name(valid_utf8(from.request.dockerfile_name));
  if (from.dockerfile) {
    r->set_dockerfile(valid_utf8(from.dockerfile->text));
    r->set_dockerfile_sha256(from.dockerfile->sha256);
  }
  fill(r->mutable_tags(), from.request.tags);
  fill(r->mutable_base_images(), from.base_images);
  fill(r->mutable_build_arg_names(), from.request.build_arg_names);
  r->set_network_mode(valid_utf8(from.request.network_mode));
}

std::string protocol(std::uint32_t number) {
  switch (number) {
    case 1:
      return "icmp";
    case 6:
      return "tcp";
    case 17:
      return "udp";
    case 132:
      return "sctp";
    default:
      return std::to_string(number);
  }
}

void connection(v1::Connection* to, const Connection& from, const HostFacts& host) {
  stamp(to->mutable_time(), from.time, host);
  to->set_protocol(protocol(from.protocol));
  to->mutable_destination()->set_ip(from.destination.ip);
  to->mutable_destination()->set_port(from.destination.port);
  if (from.dns_name.verified) {
    to->set_domain(valid_utf8(from.dns_name.name));
    to->set_domain_source("dns");
  } else if (const auto name = base::authority_of(from.http_host).host;
             !name.empty() && !base::is_address_field(from.http_host)) {
    to->set_domain(valid_utf8(name));  // the port is the destination's to say
    to->set_domain_source("http-host");
  } else if (!from.tls_name.empty()) {
    to->set_domain(valid_utf8(from.tls_name));
    const std::string source = from.protocol == IPPROTO_UDP ? "quic-sni" : "tls-sni";
    to->set_domain_source(from.tls_relay ? source + "-relay" : source);
  } else if (!from.dns_name.name.empty()) {
    to->set_domain(valid_utf8(from.dns_name.name));
    to->set_domain_source("dns-unverified");
  }
  if (!from.http_method.empty()) {
    to->mutable_http()->set_method(valid_utf8(from.http_method));
    to->mutable_http()->set_path(valid_utf8(from.http_path));
  }
  to->set_outcome(static_cast<v1::Outcome>(static_cast<int>(from.outcome) + 1));
  v1::ConnectingProcess* p = to->mutable_process();
  p->set_pid(from.process.pid);
  p->set_exe(valid_utf8(from.process.exe));
  fill(p->mutable_args(), from.process.args);
  fill(p->mutable_ancestors(), from.ancestors);
  to->mutable_first_seen()->set_in_builds(from.first_in_builds);
  to->mutable_first_seen()->set_on_host(from.first_on_host);
  if (from.first_in_fleet) to->mutable_first_seen()->set_in_fleet(*from.first_in_fleet);
  to->set_count(from.count);
  if (from.by_engine) to->set_actor("engine");
}

v1::ImportRoad road(Arrival from) {
  switch (from) {
    case Arrival::kLoad:
      return v1::IMPORT_ROAD_LOAD;
    case Arrival::kImport:
      return v1::IMPORT_ROAD_IMPORT;
    case Arrival::kCommit:
      return v1::IMPORT_ROAD_COMMIT;
    case Arrival::kUnknown:
    case Arrival::kPull:
      break;
  }
  return v1::IMPORT_ROAD_UNSPECIFIED;
}

void import(v1::Import* to, const Import& from, const HostFacts& host) {
  to->set_id(from.id);
  to->set_road(road(from.road));
  stamp(to->mutable_time(), from.time, host);
  client(to->mutable_client(), from.client);
  call(to->mutable_request(), from.request);
  to->set_source(valid_utf8(from.request.source));
  to->set_container_id(
      valid_utf8(from.container_id.empty() ? from.request.container : from.container_id));
  to->set_engine_container_id(from.engine_container_id);
}

void reason(v1::Reason* to, const Reason& from) {
  to->set_code(from.code);
  to->set_text(valid_utf8(from.text));
  if (from.weight != 0) to->set_weight(from.weight);
  fill(to->mutable_techniques(), from.techniques);
}

void step(v1::Step* to, const Step& from) {
  if (from.number != 0) to->set_number(from.number);
  if (from.total != 0) to->set_total(from.total);
  to->set_stage(valid_utf8(from.stage));
  to->set_instruction(valid_utf8(from.instruction));
  to->set_container_id(from.container_id);
  to->set_cgroup(valid_utf8(from.cgroup));
  to->set_attribution(static_cast<v1::Attribution>(from.attribution));
}

void chain(v1::Chain* to, const Chain& from, const HostFacts& host) {
  for (const ChainLink& link : from.links) {
    v1::ChainLink* l = to->add_links();
    l->set_alert_id(link.finding);
    l->set_severity(static_cast<v1::Severity>(link.severity));
    if (!link.connection.by_engine) step(l->mutable_step(), link.step);
    connection(l->mutable_connection(), link.connection, host);
  }
  if (from.left_out != 0) to->set_left_out(from.left_out);
  for (const Reason& one : from.reasons) reason(to->add_reasons(), one);
  to->set_request_alert_id(from.request);
}

}  // namespace

void fill_host(v1::Host* to, const HostFacts& host) {
  to->set_name(valid_utf8(host.name));
  to->set_boot_id(valid_utf8(host.boot_id));
  to->set_machine_id(valid_utf8(host.machine_id));
  to->set_kernel(valid_utf8(host.kernel));
}

v1::Alert to_alert(const Finding& finding, const HostFacts& host) {
  static constexpr const char* kRules[] = {"build-request",   "build-egress", "image-deploy",
                                           "sensor-blind",    "image-import", "build-failed",
                                           "container-powers"};
  v1::Alert alert;
  alert.set_id(finding.id);
  stamp(alert.mutable_time(), finding.time, host);
  alert.set_rule(kRules[static_cast<std::size_t>(finding.rule)]);
  alert.set_severity(static_cast<v1::Severity>(finding.severity));
  alert.set_summary(valid_utf8(finding.summary));
  alert.set_score(static_cast<std::uint32_t>(finding.score));
  for (const Reason& one : finding.reasons) reason(alert.add_reasons(), one);
  for (const Technique& one : finding.techniques) {
    v1::Technique* t = alert.add_techniques();
    t->set_id(one.id);
    t->set_name(one.name);
    t->set_tactic(one.tactic);
  }
  fill_host(alert.mutable_host(), host);
  if (finding.build) build(alert.mutable_build(), *finding.build, host);
  if (finding.step) step(alert.mutable_step(), *finding.step);
  if (finding.connection) connection(alert.mutable_connection(), *finding.connection, host);
  if (finding.image) {
    alert.mutable_image()->set_id(valid_utf8(finding.image->id));
    alert.mutable_image()->set_digest(valid_utf8(finding.image->digest));
    fill(alert.mutable_image()->mutable_tags(), finding.image->tags);
  }
  if (finding.deployment) {
    const ContainerCreated& c = finding.deployment->container;
    v1::Deployment* d = alert.mutable_deployment();
    d->set_container_id(c.container_id);
    d->set_name(valid_utf8(c.name));
    stamp(d->mutable_time(), finding.deployment->time, host);
    client(d->mutable_client(), finding.deployment->client);
    d->set_privileged(c.privileged);
    fill(d->mutable_binds(), c.binds);
    fill(d->mutable_capabilities(), c.capabilities);
    fill(d->mutable_host_namespaces(), c.host_namespaces);
    fill(d->mutable_devices(), c.devices);
    fill(d->mutable_unconfined(), c.unconfined);
    fill(d->mutable_volumes_from(), c.volumes_from);
    d->set_namespace_(valid_utf8(c.engine_namespace));
    d->set_started(finding.deployment->started);
    if (!c.pod.name.empty()) {
      d->mutable_pod()->set_namespace_(valid_utf8(c.pod.name_space));
      d->mutable_pod()->set_name(valid_utf8(c.pod.name));
    }
  }
  if (finding.import) import(alert.mutable_import(), *finding.import, host);
  if (finding.chain) chain(alert.mutable_chain(), *finding.chain, host);
  if (finding.health) {
    alert.mutable_health()->set_cause(valid_utf8(finding.health->cause));
    alert.mutable_health()->set_count(static_cast<double>(finding.health->count));
  }
  return alert;
}

}  // namespace kilnwatch::sink
