#include "tracker/step_flags.h"

#include <algorithm>
#include <map>
#include <string>

namespace kilnwatch::tracker {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

// The value of a key in "type=secret,id=x"; the first key that is there.
std::string value_of(std::string_view list, std::initializer_list<std::string_view> keys) {
  for (const auto key : keys) {
    for (auto rest = list; !rest.empty();) {
      const auto one = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(one.size() + 1, rest.size()));
      if (one.starts_with(key) && one.substr(key.size()).starts_with('='))
        return std::string(one.substr(key.size() + 1));
    }
  }
  return {};
}

bool take(std::string_view& flag, std::string_view lead) {
  if (!flag.starts_with(lead)) return false;
  flag.remove_prefix(lead.size());
  return true;
}

// The next flag of a RUN line, taken off its front; empty: the command begins.
std::string_view next_flag(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view flag = line.substr(0, line.find_first_of(kBlanks));
  if (!flag.starts_with("--")) return {};
  line.remove_prefix(flag.size());
  return flag;
}

constexpr std::size_t kRun = 3;
constexpr const char* kHostNetwork = "network-host";
constexpr const char* kSecretMount = "secret-mount";
constexpr const char* kSshMount = "ssh-mount";

}  // namespace

bool has_host_network(std::string_view instruction) {
  if (instruction.size() < kRun) return false;
  instruction.remove_prefix(kRun);
  bool host = false;  // the last one counts
  for (auto flag = next_flag(instruction); !flag.empty(); flag = next_flag(instruction)) {
    if (take(flag, "--network=")) host = flag == "host";
  }
  return host;
}

bool may_have_host_network(const domain::Build& build, const domain::Step& step,
                           const std::vector<domain::Reason>& told) {
  if (has_host_network(step.instruction)) return true;
  if (std::any_of(told.begin(), told.end(),
                  [](const domain::Reason& one) { return one.code == kHostNetwork; }))
    return true;
  const bool known = step.number != 0 && step.attribution != domain::Attribution::kAmbiguous;
  if (known) return false;
  const auto& allowed = build.request.entitlements;
  if (!build.dockerfile)
    return std::find(allowed.begin(), allowed.end(), "network.host") != allowed.end();
  const auto& all = build.dockerfile->instructions;
  return std::any_of(all.begin(), all.end(), [](const domain::Instruction& one) {
    return one.is_run && has_host_network(one.text);
  });
}

std::vector<domain::Reason> flag_reasons(std::string_view name) {
  std::vector<domain::Reason> reasons;
  if (name.size() < kRun) return reasons;
  name.remove_prefix(kRun);
  bool insecure = false, host = false;
  std::map<std::string_view, std::size_t> more;  // codes of what is not named
  // However many mounts come before it, what a step may do is told.
  for (auto flag = next_flag(name); !flag.empty(); flag = next_flag(name)) {
    if (flag == "--security=insecure") {
      insecure = true;
    } else if (flag == "--network=host") {
      host = true;
    } else if (take(flag, "--mount=")) {
      const auto type = value_of(flag, {"type"});
      if (reasons.size() >= kMaxFlags) {
        if (type == "secret" || type == "ssh") ++more[type == "ssh" ? kSshMount : kSecretMount];
      } else if (type == "secret") {
        std::string id = value_of(flag, {"id"});
        if (id.empty()) id = value_of(flag, {"target", "dst", "destination", "env"});
        reasons.push_back({kSecretMount, "the step is given the secret " + id});
      } else if (type == "ssh") {
        const std::string id = value_of(flag, {"id"});
        reasons.push_back(
            {kSshMount, "the step is given the ssh agent " + (id.empty() ? "default" : id)});
      }
    }
  }
  for (const auto& [code, count] : more)
    reasons.push_back({std::string(code), "the step is given " + std::to_string(count) + " more"});
  if (host) reasons.push_back({kHostNetwork, "the step uses the network of the host"});
  if (insecure) reasons.push_back({"security-insecure", "the step runs without confinement"});
  return reasons;
}

}  // namespace kilnwatch::tracker
