#include "detect/image_note.h"

#include <algorithm>

#include "detect/note_lines.h"
#include "domain/finding.h"

namespace kilnwatch::detect {

using namespace domain;

namespace {

void write_process(NoteWriter& out, const std::string& prefix, const Process& process) {
  out.add(prefix + "pid", process.pid);
  out.add(prefix + "uid", process.uid);
  out.add(prefix + "exe", process.exe.empty() ? process.comm : process.exe);
  out.add_each(prefix + "arg", process.args, kMaxNoteArgs);
}

void write_client(NoteWriter& out, const Client& client) {
  out.add("client", static_cast<std::uint64_t>(client.transport));
  out.add("client-address", client.address.ip);
  out.add("client-port", client.address.port);
  out.add("client-container", client.container_id);
  if (client.process) write_process(out, "client-", *client.process);
}

void write_request(NoteWriter& out, const Build& build) {
  const BuildRequested& asked = build.request;
  out.add("method", asked.method);
  out.add("path", asked.path);
  out.add("api", asked.api_version);
  out.add("agent", asked.user_agent);
  out.add("context", asked.remote_context);
  out.add("file", asked.dockerfile_name);
  if (build.dockerfile) out.add("file-sha256", build.dockerfile->sha256);
  out.add("network", asked.network_mode);
  out.add_each("tag", asked.tags, kMaxNoteWords);
  out.add_each("base", build.base_images, kMaxNoteWords);
}

void write_link(NoteWriter& out, const ChainLink& link) {
  const Connection& to = link.connection;
  out.add("link", link.finding);  // the lines below are of it
  out.add("severity", static_cast<std::uint64_t>(link.severity));
  out.add("step", link.step.number);
  out.add("steps", link.step.total);
  out.add("stage", link.step.stage);
  out.add("run", link.step.instruction);
  out.add("container", link.step.container_id);
  out.add("time", to.time);
  out.add("protocol", to.protocol);
  out.add("ip", to.destination.ip);
  out.add("port", to.destination.port);
  out.add("outcome", static_cast<std::uint64_t>(to.outcome));
  if (to.dns_name.verified) out.add("dns", to.dns_name.name);
  out.add("tls", to.tls_name);
  out.add("http", to.http_method);
  if (to.by_engine) out.add("by-engine", 1);
  out.add("http-host", to.http_host);
  out.add("http-path", to.http_path);
  write_process(out, "", to.process);
  out.add_each("above", to.ancestors, kMaxNoteWords);
}

bool read_process(NoteReader& line, std::string_view prefix, Process& out) {
  if (!line.name().starts_with(prefix)) return false;
  const std::string_view name = line.name().substr(prefix.size());
  if (name == "pid") return line.take(out.pid);
  if (name == "uid") return line.take(out.uid);
  if (name == "exe") return line.take(out.exe);
  return name == "arg" && line.take_each(out.args, kMaxNoteArgs);
}

bool read_client(NoteReader& line, Client& out) {
  if (line.name() == "client") return line.take(out.transport, Transport::kTcp);
  if (line.name() == "client-address") return line.take(out.address.ip);
  if (line.name() == "client-port") return line.take(out.address.port);
  if (line.name() == "client-container") return line.take(out.container_id);
  Process process = out.process.value_or(Process{});
  if (!read_process(line, "client-", process)) return false;
  out.process = std::move(process);
  return true;
}

bool read_request(NoteReader& line, Build& build) {
  BuildRequested& out = build.request;
  if (line.name() == "method") return line.take(out.method);
  if (line.name() == "path") return line.take(out.path);
  if (line.name() == "api") return line.take(out.api_version);
  if (line.name() == "agent") return line.take(out.user_agent);
  if (line.name() == "context") return line.take(out.remote_context);
  if (line.name() == "file") return line.take(out.dockerfile_name);
  if (line.name() == "network") return line.take(out.network_mode);
  if (line.name() == "tag") return line.take_each(out.tags, kMaxNoteWords);
  if (line.name() == "base") return line.take_each(build.base_images, kMaxNoteWords);
  if (line.name() != "file-sha256") return false;
  build.dockerfile = DockerfileSeen{};
  return line.take(build.dockerfile->sha256);
}

bool read_build(NoteReader& line, Build& out) {
  if (line.name() == "build") return line.take(out.id);
  if (line.name() == "host") return line.take(out.host);
  if (line.name() == "engine") return line.take(out.request.engine, EngineKind::kKaniko);
  if (line.name() == "buildkit") return line.take(out.request.buildkit);
  if (line.name() == "builder") {
    out.request.builder_unknown = false;
    return true;
  }
  if (line.name() == "started") return line.take_time(out.started);
  if (line.name() == "ended") return line.take_time(out.ended);
  return read_client(line, out.client) || read_request(line, out);
}

bool read_link(NoteReader& line, ChainLink& out) {
  Connection& to = out.connection;
  if (line.name() == "severity") return line.take(out.severity, Severity::kCritical);
  if (line.name() == "step") return line.take(out.step.number);
  if (line.name() == "steps") return line.take(out.step.total);
  if (line.name() == "stage") return line.take(out.step.stage);
  if (line.name() == "run") return line.take(out.step.instruction);
  if (line.name() == "container") return line.take(out.step.container_id);
  if (line.name() == "time") return line.take_time(to.time);
  if (line.name() == "protocol") return line.take(to.protocol);
  if (line.name() == "ip") return line.take(to.destination.ip);
  if (line.name() == "port") return line.take(to.destination.port);
  if (line.name() == "outcome") return line.take(to.outcome, Outcome::kSent);
  if (line.name() == "tls") return line.take(to.tls_name);
  if (line.name() == "http") return line.take(to.http_method);
  if (line.name() == "http-host") return line.take(to.http_host);
  if (line.name() == "http-path") return line.take(to.http_path);
  if (line.name() == "by-engine") {
    to.by_engine = true;
    return true;
  }
  if (line.name() == "above") return line.take_each(to.ancestors, kMaxNoteWords);
  if (line.name() != "dns") return read_process(line, "", to.process);
  to.dns_name.verified = true;
  return line.take(to.dns_name.name);
}

bool read_chain(NoteReader& line, Chain& out) {
  if (line.name() == "request-alert") return line.take(out.request);
  if (line.name() == "more") return line.take(out.left_out);
  if (line.name() == "reason") {
    std::string text;
    if (!line.take(text) || out.reasons.size() >= kMaxNoteReasons) return true;
    const auto blank = std::min(text.find(' '), text.size());
    out.reasons.push_back({text.substr(0, blank), text.substr(std::min(blank + 1, text.size()))});
    return true;
  }
  if (line.name() == "link") {
    if (out.links.size() >= kMaxNoteLinks) return true;
    out.links.emplace_back();
    return line.take(out.links.back().finding);
  }
  return !out.links.empty() && read_link(line, out.links.back());
}

}  // namespace

std::string text_of(const ImageNote& note) {
  NoteWriter out;
  const Build& build = note.build;
  out.add("build", build.id);
  out.add("host", build.host);
  out.add("started", build.started);
  out.add("ended", build.ended);
  if (!build.request.builder_unknown) out.add("builder", 1);
  out.add("engine", static_cast<std::uint64_t>(build.request.engine));
  out.add("buildkit", build.request.buildkit ? 1 : 0);
  write_client(out, build.client);
  write_request(out, build);
  const Chain& chain = note.chain;
  out.add("request-alert", chain.request);
  std::vector<const ChainLink*> links;
  for (const ChainLink& link : chain.links) links.push_back(&link);
  std::stable_sort(links.begin(), links.end(), [](const ChainLink* a, const ChainLink* b) {
    return a->severity > b->severity;
  });
  const std::size_t kept = std::min(links.size(), kMaxNoteLinks);
  out.add("more", chain.left_out + links.size() - kept);
  std::size_t reasons = 0;
  for (const Reason& one : chain.reasons) {
    if (reasons++ < kMaxNoteReasons) out.add("reason", one.code + " " + one.text);
  }
  for (std::size_t n = 0; n < kept; ++n) write_link(out, *links[n]);
  return out.take();
}

std::optional<ImageNote> read_note(std::string_view text) {
  ImageNote note;
  note.build.request.builder_unknown = true;
  note.build.status = BuildStatus::kSucceeded;
  note.build.client.transport = Transport::kNone;
  NoteReader line(text);
  while (line.next()) {
    // What a link says of itself comes behind its "link".
    const bool read = note.chain.links.empty() && read_build(line, note.build);
    if (!read) (void)read_chain(line, note.chain);
    if (line.is_spoilt()) return std::nullopt;
  }
  if (!is_build_id(note.build.id) || note.build.host.empty()) return std::nullopt;
  return note;
}

}  // namespace kilnwatch::detect
