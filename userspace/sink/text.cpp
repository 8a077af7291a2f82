#include "sink/text.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <string_view>

#include "base/utf8.h"

namespace kilnwatch::sink {
namespace {

using base::visible;

// Enough to find a container, an image or a build again.
constexpr std::size_t kShortId = 12;
// Words of a command line or an instruction that are shown; JSON has all of it.
constexpr std::size_t kLongText = 400;

std::string shortened(const std::string& text) {
  if (text.size() <= kLongText) return visible(text);
  return visible(base::valid_utf8(text).substr(0, kLongText)) + "…";
}

std::string short_id(std::string_view id) {
  if (id.starts_with("sha256:")) id.remove_prefix(7);
  return visible(id.substr(0, kShortId));
}

// "SEVERITY_HIGH" → "HIGH"; a value of a later version has no name.
std::string name_of(const std::string& name, std::string_view prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : "?";
}

std::string lower_name(const std::string& name, std::string_view prefix) {
  std::string out = name_of(name, prefix);
  for (char& c : out) c = c == '_' ? ' ' : static_cast<char>(std::tolower(c));
  return out;
}

std::string when(const google::protobuf::Timestamp& time) {
  const auto seconds = static_cast<std::time_t>(time.seconds());
  std::tm utc{};
  if (::gmtime_r(&seconds, &utc) == nullptr) return "?";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     time.nanos() / 1'000'000);
}

std::string place(const v1::Endpoint& at) {
  const bool six = at.ip().find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", six ? "[" : "", visible(at.ip()), six ? "]" : "", at.port());
}

template <class List>
std::string joined(const List& list, std::string_view between = " ") {
  std::string out;
  for (const auto& item : list) {
    if (!out.empty()) out += between;
    out += item;
  }
  return shortened(out);
}

// Parts of one line.
class Line {
 public:
  Line& add(const std::string& part) {
    if (part.empty()) return *this;
    if (!text_.empty()) text_ += ", ";
    text_ += part;
    return *this;
  }
  Line& add(std::string_view label, const std::string& part) {
    return part.empty() ? *this : add(std::string(label) + " " + part);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string program(const std::string& exe, std::uint32_t pid) {
  return fmt::format("{} pid {}", exe.empty() ? "unknown program" : visible(exe), pid);
}

std::string client_line(const v1::Client& c) {
  Line line;
  if (c.has_address())
    line.add(place(c.address()) + " over " +
             lower_name(v1::Transport_Name(c.transport()), "TRANSPORT_"));
  if (c.has_pid()) {
    line.add(shortened(c.args_size() > 0 ? joined(c.args()) : c.exe()));
    line.add(program(c.exe(), c.pid()));
  }
  if (c.has_uid()) line.add(fmt::format("uid {}", c.uid()));
  if (c.has_loginuid()) line.add(fmt::format("login uid {}", c.loginuid()));
  line.add("in container", short_id(c.container_id()));
  if (c.has_pod()) line.add("pod", visible(c.pod().namespace_() + "/" + c.pod().name()));
  line.add("via", visible(c.via()));
  return line.text().empty() ? "unknown" : line.text();
}

std::string build_line(const v1::Build& b) {
  const auto& r = b.request();
  Line line;
  line.add(short_id(b.id()) + " " + lower_name(v1::BuildStatus_Name(b.status()), "BUILD_STATUS_"));
  line.add("base", joined(r.base_images()));
  line.add("tag", joined(r.tags()));
  line.add("context", shortened(r.remote_context()));
  line.add("network", visible(r.network_mode()));
  if (!r.path().empty()) line.add(shortened(r.method() + " " + r.path()));
  line.add("engine in container", short_id(b.container_id()));
  if (b.has_pod()) line.add("pod", visible(b.pod().namespace_() + "/" + b.pod().name()));
  return line.text();
}

std::string step_line(const v1::Step& s) {
  Line line;
  line.add(fmt::format("{}/{} {}", s.has_number() ? std::to_string(s.number()) : "?",
                       s.has_total() ? std::to_string(s.total()) : "?",
                       shortened(s.instruction())));
  line.add(lower_name(v1::Attribution_Name(s.attribution()), "ATTRIBUTION_"));
  line.add("container", short_id(s.container_id()));
  return line.text();
}

std::string connection_line(const v1::Connection& c) {
  Line line;
  line.add(fmt::format("{} {} {}", place(c.destination()), visible(c.protocol()),
                       lower_name(v1::Outcome_Name(c.outcome()), "OUTCOME_")));
  line.add(c.domain_source() == "http-host" ? "asked for" : "name", visible(c.domain()));
  if (c.has_http()) line.add(shortened(c.http().method() + " " + c.http().path()));
  if (!c.actor().empty()) line.add("by the " + visible(c.actor()) + " itself");
  if (c.count() > 1) line.add(fmt::format("{} times", c.count()));
  return line.text();
}

// What it weighs in the score: "+25 ".
std::string weight_of(const v1::Reason& reason) {
  return reason.has_weight() ? fmt::format("{:+} ", reason.weight()) : std::string();
}

std::string process_line(const v1::ConnectingProcess& p) {
  Line line;
  line.add(shortened(p.args_size() > 0 ? joined(p.args()) : p.exe()));
  line.add(program(p.exe(), p.pid()));
  line.add("below", joined(p.ancestors(), " < "));
  return line.text();
}

std::string deployment_line(const v1::Deployment& d) {
  Line line;
  line.add(short_id(d.container_id()) + (d.name().empty() ? "" : " " + visible(d.name())));
  if (d.has_pod()) line.add("pod " + visible(d.pod().namespace_() + "/" + d.pod().name()));
  line.add("namespace", visible(d.namespace_()));
  if (d.privileged()) line.add("PRIVILEGED");
  line.add("mounts", joined(d.binds()));
  line.add("capabilities", joined(d.capabilities()));
  line.add("host namespaces", joined(d.host_namespaces()));
  line.add("devices", joined(d.devices()));
  line.add("not confined by", joined(d.unconfined()));
  line.add("mounts of", joined(d.volumes_from()));
  return line.text();
}

std::string link_line(const v1::ChainLink& l) {
  Line line;
  line.add(name_of(v1::Severity_Name(l.severity()), "SEVERITY_") + " " +
           connection_line(l.connection()));
  line.add("by", visible(l.connection().process().exe()));
  line.add("step", l.step().has_number() ? std::to_string(l.step().number()) : std::string());
  line.add("alert", visible(l.alert_id()));
  return line.text();
}

// The command line of the engine that made it.
std::string tool_of(const v1::Alert& a) {
  const auto engine = a.build().engine();
  if (!a.has_build() && a.deployment().client().exe().ends_with("/podman")) return "podman";
  return engine == v1::ENGINE_PODMAN || engine == v1::ENGINE_BUILDAH ? "podman" : "docker";
}

std::string import_line(const v1::Import& i) {
  Line line;
  line.add(short_id(i.id()) + " " + lower_name(v1::ImportRoad_Name(i.road()), "IMPORT_ROAD_"));
  line.add("from", shortened(i.source()));
  line.add("container", shortened(i.container_id()));
  line.add("engine in container", short_id(i.engine_container_id()));
  line.add(shortened(i.request().method() + " " + i.request().path()));
  return line.text();
}

// What to do with it.
std::string next_step(const v1::Alert& a) {
  if (a.rule() == "build-request") {
    return "ask who is behind it; later alerts of the same build id tell what it did";
  }
  if (a.rule() == "build-egress" && a.connection().actor() == "engine") {
    return "see who sent the engine there, and what came into the image: " + tool_of(a) +
           " history";
  }
  if (a.rule() == "build-egress") {
    return "look at what the step fetched: " + tool_of(a) + " history and diff; block " +
           place(a.connection().destination()) + " if nobody vouches for it";
  }
  const bool deploys = a.rule() == "image-deploy" || a.rule() == "container-powers";
  if (deploys && !a.deployment().namespace_().empty()) {
    return "ctr -n " + visible(a.deployment().namespace_()) + " containers info " +
           visible(a.deployment().container_id()) + "; stop it if nobody vouches for it";
  }
  if (deploys) {
    return tool_of(a) + " inspect " + short_id(a.deployment().container_id()) + "; " + tool_of(a) +
           " stop it if nobody vouches for it";
  }
  if (a.rule() == "image-import") {
    return "ask who is behind it: docker history and diff; later alerts of the same import id tell "
           "where it was deployed";
  }
  if (a.rule() == "sensor-blind")
    return "see by hand what it may have missed: docker events, docker history";
  return {};
}

}  // namespace

std::string as_text(const v1::Alert& a) {
  std::string out = fmt::format(
      "{:8} {}  {}  {}  {}\n", name_of(v1::Severity_Name(a.severity()), "SEVERITY_"),
      visible(a.rule()), shortened(a.summary()), when(a.time()), visible(a.host().name()));
  const auto line = [&out](std::string_view name, const std::string& value) {
    if (!value.empty()) out += fmt::format("    {:10} {}\n", name, value);
  };
  for (const auto& r : a.reasons())
    line("why", weight_of(r) + visible(r.code()) + ": " + shortened(r.text()));
  if (a.has_build()) {
    line("client", client_line(a.build().client()));
    line("build", build_line(a.build()));
  }
  if (a.has_import()) {
    line("client", client_line(a.import().client()));
    line("import", import_line(a.import()));
  }
  if (a.has_step()) line("step", step_line(a.step()));
  if (a.has_connection()) {
    line("to", connection_line(a.connection()));
    line("by", process_line(a.connection().process()));
  }
  if (a.has_image())
    line("image", Line().add(short_id(a.image().id())).add(joined(a.image().tags())).text());
  for (const auto& l : a.chain().links()) line("chain", link_line(l));
  if (a.chain().has_left_out())
    line("chain", fmt::format("and {} more connections", a.chain().left_out()));
  for (const auto& r : a.chain().reasons())
    line("before", weight_of(r) + visible(r.code()) + ": " + shortened(r.text()));
  if (a.has_deployment()) {
    // Alerts of before the field was there tell of a start.
    const bool created = a.deployment().has_started() && !a.deployment().started();
    const std::string_view what = created ? "created" : "started";
    line(what, deployment_line(a.deployment()));
    if (a.deployment().has_client())
      line(std::string(what) + " by", client_line(a.deployment().client()));
  }
  if (a.has_exposure()) {
    line("exposed", visible(a.exposure().resource()));
    line("remedy", shortened(a.exposure().remedy()));
  }
  if (a.has_health())
    line("lost", fmt::format("{} {}", a.health().count(), visible(a.health().cause())));
  Line techniques;
  for (const auto& t : a.techniques()) techniques.add(visible(t.id() + " " + t.name()));
  line("ATT&CK", techniques.text());
  line("next", next_step(a));
  line("alert", visible(a.id()));
  return out;
}

}  // namespace kilnwatch::sink
