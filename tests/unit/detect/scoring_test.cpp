// From reasons to a score, a severity and techniques.
#include "detect/scoring.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <set>
#include <string>

#include "detect/reason_table.h"
#include "domain/attack.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using detect::tell;

namespace {

Finding finding_with(Rule rule, const std::vector<std::string>& keys) {
  Finding finding;
  finding.rule = rule;
  for (const std::string& key : keys) tell(finding, key, "x");
  detect::score(finding);
  return finding;
}

Severity severity_of(Rule rule, const std::vector<std::string>& keys) {
  return finding_with(rule, keys).severity;
}

std::set<std::string> ids_of(const Finding& finding) {
  std::set<std::string> out;
  for (const Technique& one : finding.techniques) out.insert(one.id);
  return out;
}

}  // namespace

TEST_CASE("A rule alone has the severity of its first score") {
  CHECK(severity_of(Rule::kBuildRequest, {}) == Severity::kLow);
  CHECK(severity_of(Rule::kBuildEgress, {}) == Severity::kInfo);
  CHECK(severity_of(Rule::kImageDeploy, {}) == Severity::kLow);
  CHECK(severity_of(Rule::kImageImport, {}) == Severity::kLow);
  CHECK(severity_of(Rule::kBuildFailed, {}) == Severity::kInfo);
  CHECK(severity_of(Rule::kSensorBlind, {}) == Severity::kMedium);
}

TEST_CASE("What reasons make together") {
  struct Row {
    Rule rule;
    std::vector<std::string> keys;
    Severity severity;
  };
  for (const Row& row : std::vector<Row>{
           {Rule::kBuildRequest, {"client-tcp"}, Severity::kMedium},
           {Rule::kBuildRequest, {"client-tcp", "client-remote"}, Severity::kHigh},
           {Rule::kBuildRequest, {"client-tcp", "remote-context"}, Severity::kHigh},
           {Rule::kBuildRequest, {"remote-context"}, Severity::kMedium},
           {Rule::kBuildRequest, {"client-in-container"}, Severity::kMedium},
           {Rule::kBuildRequest, {"client-new"}, Severity::kLow},
           {Rule::kBuildRequest, {"client-new", "client-in-container"}, Severity::kMedium},
           {Rule::kBuildRequest, {"quiet-build", "client-new", "registry-unknown"}, Severity::kLow},
           {Rule::kBuildRequest, {"browser-request", "remote-context"}, Severity::kHigh},
           {Rule::kBuildRequest, {"entitlement/insecure"}, Severity::kHigh},
           {Rule::kBuildRequest, {"network-host", "entitlement"}, Severity::kMedium},
           {Rule::kBuildRequest, {"registry-not-allowed"}, Severity::kMedium},
           {Rule::kBuildRequest, {"client-tcp/listed", "client-remote/listed"}, Severity::kLow},
           {Rule::kBuildRequest,
            {"client-tcp", "client-remote", "request-refused"},
            Severity::kInfo},
           {Rule::kBuildEgress, {"first-seen-on-host", "name-verified"}, Severity::kHigh},
           {Rule::kBuildEgress, {"first-seen-in-builds", "name-unverified"}, Severity::kHigh},
           {Rule::kBuildEgress, {"first-seen-on-host", "known-name"}, Severity::kLow},
           {Rule::kBuildEgress, {"first-seen-in-builds", "known-name"}, Severity::kLow},
           {Rule::kBuildEgress,
            {"first-seen-on-host", "known-name", "fetch-to-shell", "secret-mount"},
            Severity::kLow},
           {Rule::kBuildEgress,
            {"first-seen-on-host", "known-name", "reverse-shell"},
            Severity::kMedium},
           {Rule::kBuildEgress,
            {"first-seen-on-host", "raw-address", "mining-port"},
            Severity::kCritical},
           {Rule::kBuildEgress, {"first-seen-on-host", "reverse-shell"}, Severity::kCritical},
           {Rule::kBuildEgress,
            {"first-seen-on-host", "raw-address", "payload-executed"},
            Severity::kCritical},
           {Rule::kBuildEgress, {"engine-api"}, Severity::kCritical},
           {Rule::kBuildEgress, {"cloud-metadata"}, Severity::kCritical},
           {Rule::kBuildEgress, {"denied-destination"}, Severity::kHigh},
           {Rule::kBuildEgress,
            {"first-seen-on-host", "mining-port", "allowed-destination"},
            Severity::kLow},
           {Rule::kBuildEgress, {"first-seen-on-host", "raw-address", "learning"}, Severity::kInfo},
           {Rule::kImageDeploy, {"deploy-soon-after-build"}, Severity::kLow},
           {Rule::kImageDeploy,
            {"deploy-soon-after-build", "unpacked-deployed"},
            Severity::kMedium},
           {Rule::kImageDeploy, {"deploy-after-build", "chain-closed"}, Severity::kHigh},
           {Rule::kImageDeploy,
            {"deploy-after-build", "client-tcp", "client-remote"},
            Severity::kHigh},
           {Rule::kImageDeploy,
            {"deploy-soon-after-build", "chain-closed", "payload-executed"},
            Severity::kCritical},
           {Rule::kImageDeploy, {"chain-closed/critical"}, Severity::kCritical},
           {Rule::kImageDeploy, {"privileged"}, Severity::kCritical},
           {Rule::kImageDeploy, {"host-mount"}, Severity::kCritical},
           {Rule::kImageDeploy, {"deploy-soon-after-build", "host-mount/folder"}, Severity::kLow},
           {Rule::kImageDeploy, {"host-namespace"}, Severity::kHigh},
           {Rule::kImageDeploy, {"capability"}, Severity::kHigh},
           {Rule::kImageDeploy,
            {"image-imported", "client-tcp", "client-remote"},
            Severity::kMedium},
           {Rule::kImageImport, {"remote-source"}, Severity::kMedium},
           {Rule::kImageImport, {"committed", "container-connected"}, Severity::kMedium}}) {
    const Finding finding = finding_with(row.rule, row.keys);
    std::string keys;
    for (const std::string& key : row.keys) keys += key + " ";
    INFO(keys << finding.score);
    CHECK(finding.severity == row.severity);
  }
}

TEST_CASE("A code counts once, by its weightiest reason") {
  const auto once = finding_with(Rule::kImageDeploy, {"host-namespace"});
  CHECK(finding_with(Rule::kImageDeploy, {"host-namespace", "host-namespace"}).score == once.score);
  CHECK(finding_with(Rule::kImageDeploy, {"host-mount/folder", "host-mount"}).severity ==
        Severity::kCritical);
  CHECK(finding_with(Rule::kBuildFailed, {"known-name"}).score == 0);
}

TEST_CASE("Reasons that came with the moment are weighed by their code") {
  Finding finding;
  finding.rule = Rule::kBuildEgress;
  finding.reasons = {
      {"secret-mount", "its text"}, {"network-host", "its text"}, {"never-heard-of", "its text"}};
  detect::complete(finding);
  CHECK(finding.reasons[0].weight == 5);
  CHECK(finding.reasons[0].text == "its text");
  CHECK(finding.reasons[1].weight == 0);  // of a step; of a request it weighs
  CHECK(finding.reasons[2].weight == 0);
}

TEST_CASE("Techniques are those of the rule and of its reasons, each once") {
  auto finding =
      finding_with(Rule::kBuildEgress, {"first-seen-on-host", "reverse-shell", "fetch-to-shell"});
  detect::name_techniques(finding, {});
  CHECK(ids_of(finding) == std::set<std::string>{"T1059.004", "T1071", "T1095", "T1105", "T1612"});
  CHECK(finding.techniques.back().name == "Build Image on Host");
  CHECK(finding.techniques.back().tactic == "defense-evasion");
  auto deploy = finding_with(Rule::kImageDeploy, {"chain-closed", "privileged"});
  detect::name_techniques(deploy, {});
  CHECK(ids_of(deploy) == std::set<std::string>{"T1610", "T1611"});
}

TEST_CASE("Tactics have the names of another version of ATT&CK, a technique's own first") {
  auto finding = finding_with(Rule::kImageDeploy, {"chain-closed", "unpacked-deployed"});
  detect::name_techniques(finding,
                          {{"defense-evasion", "stealth"}, {"T1140", "defense-impairment"}});
  for (const Technique& one : finding.techniques) {
    CHECK(one.tactic == (one.id == "T1140"   ? "defense-impairment"
                         : one.id == "T1612" ? "stealth"
                                             : "execution"));
  }
}
