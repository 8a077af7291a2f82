#include "tracker/step_flags.h"

#include <algorithm>
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

}  // namespace

std::vector<domain::Reason> flag_reasons(std::string_view name) {
  std::vector<domain::Reason> reasons;
  if (name.size() < 3) return reasons;
  name.remove_prefix(3);  // RUN
  while (reasons.size() < kMaxFlags) {
    name.remove_prefix(std::min(name.find_first_not_of(kBlanks), name.size()));
    std::string_view flag = name.substr(0, name.find_first_of(kBlanks));
    if (!flag.starts_with("--")) break;
    name.remove_prefix(flag.size());
    if (flag == "--security=insecure") {
      reasons.push_back({"security-insecure", "the step runs without confinement"});
    } else if (flag == "--network=host") {
      reasons.push_back({"network-host", "the step uses the network of the host"});
    } else if (take(flag, "--mount=")) {
      const auto type = value_of(flag, {"type"});
      if (type == "secret") {
        std::string id = value_of(flag, {"id"});
        if (id.empty()) id = value_of(flag, {"target", "dst", "destination", "env"});
        reasons.push_back({"secret-mount", "the step is given the secret " + id});
      } else if (type == "ssh") {
        const std::string id = value_of(flag, {"id"});
        reasons.push_back(
            {"ssh-mount", "the step is given the ssh agent " + (id.empty() ? "default" : id)});
      }
    }
  }
  return reasons;
}

}  // namespace kilnwatch::tracker
