// Entries of lists: maps whose parts must all agree.
#include "policy/limits.h"
#include "policy/match.h"
#include "policy/parse.h"
#include "policy/values.h"

namespace kilnwatch::policy {
namespace {

void append(std::string& text, const std::string& part) {
  text += (text.empty() ? "" : " ") + part;
}

std::string ports_text(const Ports& ports) {
  const std::string first = std::to_string(ports.first);
  return "port " + (ports.first == ports.last ? first : first + "-" + std::to_string(ports.last));
}

// `entry` is a map of which nothing was taken.
void complain_of_nothing(const Node& entry, const std::string& where, const std::string& keys,
                         Complaints& complaints) {
  if (entry.kind == NodeKind::kMap && entry.items.empty())
    complaints.add(entry.place,
                   "an entry of " + where + " says nothing; write one or more of " + keys);
}

}  // namespace

Destination read_destination(const Node& node, const std::string& where, Complaints& complaints) {
  Destination out;
  complaints.keys(
      node, "an entry of " + where,
      {{"domain",
        [&](const Node& value) {
          out.domain = complaints.value(value, "domain", read_domain).value_or("");
        }},
       {"network",
        [&](const Node& value) { out.network = complaints.value(value, "network", read_network); }},
       {"port",
        [&](const Node& value) { out.ports = complaints.value(value, "port", read_ports); }}});
  complain_of_nothing(node, where, "domain, network, port", complaints);
  if (!out.domain.empty()) append(out.text, out.domain);
  if (out.network) append(out.text, text_of(*out.network));
  if (out.ports) append(out.text, ports_text(*out.ports));
  return out;
}

Client read_client(const Node& node, const std::string& where, Complaints& complaints) {
  Client out;
  complaints.keys(
      node, "an entry of " + where,
      {{"uid", [&](const Node& value) { out.uid = complaints.value(value, "uid", read_uid); }},
       {"exe",
        [&](const Node& value) {
          out.exe = complaints.value(value, "exe", read_exe).value_or("");
        }},
       {"container",
        [&](const Node& value) {
          out.container = complaints.value(value, "container", read_container).value_or("");
        }},
       {"address", [&](const Node& value) {
          out.address = complaints.value(value, "address", read_network);
        }}});
  complain_of_nothing(node, where, "uid, exe, container, address", complaints);
  if (out.uid) append(out.text, "uid " + std::to_string(*out.uid));
  if (!out.exe.empty()) append(out.text, out.exe);
  if (!out.container.empty()) append(out.text, "container " + out.container);
  if (out.address) append(out.text, "address " + text_of(*out.address));
  return out;
}

Exception read_exception(const Node& node, Complaints& complaints) {
  static const std::map<std::string_view, domain::Severity> kLowered{
      {"info", domain::Severity::kInfo}, {"low", domain::Severity::kLow}};
  Exception out;
  out.line = node.place.line;
  std::optional<domain::Rule> rule;
  std::optional<Place> rule_place;
  std::optional<Place> destination_place;
  complaints.keys(
      node, "an exception",
      {{"owner",
        [&](const Node& value) { out.owner = complaints.word(value, "owner").value_or("-"); }},
       {"reason",
        [&](const Node& value) { out.reason = complaints.word(value, "reason").value_or("-"); }},
       {"expires",
        [&](const Node& value) {
          out.expires = value.word.empty() ? "-" : value.word;
          out.end = complaints.value(value, "expires", read_last_day).value_or(0);
        }},
       {"rule",
        [&](const Node& value) {
          rule_place = value.place;
          rule = complaints.one_of(value, "rule", rules());
          out.rule = rule.value_or(out.rule);
        }},
       {"severity",
        [&](const Node& value) {
          out.severity =
              complaints.one_of(value, "severity of an exception", kLowered).value_or(out.severity);
        }},
       {"client",
        [&](const Node& value) { out.client = read_client(value, "client", complaints); }},
       {"destination", [&](const Node& value) {
          destination_place = value.place;
          out.destination = read_destination(value, "destination", complaints);
        }}});
  if (node.kind != NodeKind::kMap) return out;
  const auto missing = [&](const char* key, const char* remedy) {
    complaints.add(node.place, std::string("an exception has no '") + key + "'; " + remedy);
  };
  if (out.owner.empty()) missing("owner", "say who answers for it");
  if (out.reason.empty()) missing("reason", "say why it is accepted");
  if (out.expires.empty()) missing("expires", "say its last day, as in 2027-01-31");
  if (!rule_place) missing("rule", "say which alerts it lowers");
  if (!out.client && !out.destination) {
    missing("client' or 'destination",
            "say what is accepted; a whole rule is lowered under 'severity:'");
  }
  if (rule == domain::Rule::kSensorBlind) {
    complaints.add(*rule_place,
                   "sensor-blind has neither client nor destination; lower it under "
                   "'severity:', or remove the exception");
  }
  if (destination_place && rule && rule != domain::Rule::kBuildEgress) {
    complaints.add(*destination_place,
                   "only build-egress has a destination; name a 'client' instead, or set "
                   "'rule: build-egress'");
  }
  if (destination_place && !out.destination->domain.empty()) {
    complaints.add(
        *destination_place,
        "a name is what the process itself claims, and excepts nothing; name a 'network'");
  }
  return out;
}

}  // namespace kilnwatch::policy
