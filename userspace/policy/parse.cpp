#include "policy/parse.h"

#include "domain/attack.h"
#include "policy/limits.h"
#include "policy/values.h"

namespace kilnwatch::policy {

using domain::Rule;
using domain::Severity;

const std::map<std::string_view, Rule>& rules() {
  static const std::map<std::string_view, Rule> all{
      {"build-request", Rule::kBuildRequest},      {"build-egress", Rule::kBuildEgress},
      {"image-deploy", Rule::kImageDeploy},        {"sensor-blind", Rule::kSensorBlind},
      {"image-import", Rule::kImageImport},        {"build-failed", Rule::kBuildFailed},
      {"container-powers", Rule::kContainerPowers}};
  return all;
}

const std::map<std::string_view, Severity>& severities() {
  static const std::map<std::string_view, Severity> all{{"info", Severity::kInfo},
                                                        {"low", Severity::kLow},
                                                        {"medium", Severity::kMedium},
                                                        {"high", Severity::kHigh},
                                                        {"critical", Severity::kCritical}};
  return all;
}

base::Result<Policy> parse(const std::string& text, const std::string& file) {
  const auto tree = read_tree(text, file);
  if (!tree) return tree.error();
  Policy out;
  if (tree->kind == NodeKind::kNothing) return out;
  Complaints complaints(file);

  const auto destinations = [&](const std::string& where, std::vector<Destination>& list) {
    return [&complaints, &list, where](const Node& node) {
      complaints.items(node, where, kMaxEntries, [&](const Node& item) {
        list.push_back(read_destination(item, where, complaints));
      });
    };
  };
  Complaints::Keys severity;
  for (const auto& [name, rule] : rules()) {
    severity[name] = [&, rule = rule, name = std::string(name)](const Node& node) {
      if (const auto level = complaints.one_of(node, "severity." + name, severities()))
        out.severity[rule] = *level;
    };
  }
  const Complaints::Keys windows{
      {"deploy",
       [&](const Node& node) {
         out.deploy_window = complaints.value(node, "windows.deploy", read_duration);
       }},
      {"deploy_soon", [&](const Node& node) {
         out.deploy_soon = complaints.value(node, "windows.deploy_soon", read_duration);
       }}};
  Complaints::Keys tactics;
  for (const domain::KnownTechnique& technique : domain::kTechniques) {
    for (const std::string_view key : {technique.id, technique.tactic}) {
      tactics[key] = [&, key](const Node& node) {
        const std::string name(key);
        if (const auto tactic = complaints.value(node, "attack.tactics." + name, read_tactic))
          out.tactics[name] = *tactic;
      };
    }
  }
  const Complaints::Keys attack{
      {"tactics", [&](const Node& node) { complaints.keys(node, "attack.tactics", tactics); }}};
  const Complaints::Keys known{
      {"registries",
       [&](const Node& node) {
         complaints.items(node, "registries", kMaxEntries, [&](const Node& item) {
           const auto registry = complaints.value(item, "registries", read_registry);
           if (registry) out.registries.push_back(*registry);
         });
       }},
      {"destinations",
       [&](const Node& node) {
         complaints.keys(node, "destinations",
                         {{"allow", destinations("destinations.allow", out.allow)},
                          {"deny", destinations("destinations.deny", out.deny)}});
       }},
      {"clients",
       [&](const Node& node) {
         complaints.items(node, "clients", kMaxEntries, [&](const Node& item) {
           out.clients.push_back(read_client(item, "clients", complaints));
         });
       }},
      {"windows", [&](const Node& node) { complaints.keys(node, "windows", windows); }},
      {"baseline", [&](const Node& node) { read_baseline(node, complaints, out); }},
      {"severity", [&](const Node& node) { complaints.keys(node, "severity", severity); }},
      {"attack", [&](const Node& node) { complaints.keys(node, "attack", attack); }},
      {"exceptions", [&](const Node& node) {
         complaints.items(node, "exceptions", kMaxExceptions, [&](const Node& item) {
           out.exceptions.push_back(read_exception(item, complaints));
         });
       }}};
  complaints.keys(*tree, "the configuration", known);
  if (const auto error = complaints.first()) return *error;
  return out;
}

}  // namespace kilnwatch::policy
