#include "engine/device_rules.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/created.h"

namespace kilnwatch::engine {
namespace {

// null, zero, full, random, urandom; the terminals; what engines let every container use (runc:
// libcontainer/specconv, AllowedDevices).
bool is_usual(std::string_view type, std::string_view major, std::string_view minor) {
  constexpr std::array<std::string_view, 5> kOfMemory = {"3", "5", "7", "8", "9"};
  if (type != "c") return false;
  if (major == "1") return std::find(kOfMemory.begin(), kOfMemory.end(), minor) != kOfMemory.end();
  return major == "5" || major == "136" || (major == "10" && minor == "200");
}

}  // namespace

using protocol::json_find;

void add_device_rules(const protocol::Json* rules, std::vector<std::string>& devices,
                      std::uint32_t& left_out) {
  if (rules == nullptr) return;
  const auto word = [](const std::string& text) { return text.empty() ? "*" : text; };
  for (const auto& [key, rule] : rules->members) {
    const std::string access = protocol::json_string(json_find(rule, "access"));
    const bool used = access.empty() || access.find_first_of("rw") != access.npos;
    if (!protocol::json_true(json_find(rule, "allow")) || !used) continue;
    std::string type = protocol::json_string(json_find(rule, "type"));
    if (type.empty()) type = "a";
    const auto number = [&](const char* name) {
      const std::string digits = protocol::json_integer(json_find(rule, name));
      return digits.starts_with('-') ? std::string() : digits;
    };
    const std::string major = word(number("major")), minor = word(number("minor"));
    if (is_usual(type, major, minor)) continue;
    add_listed(devices, type + " " + major + ":" + minor + " " + (access.empty() ? "rwm" : access),
               left_out);
  }
}

}  // namespace kilnwatch::engine
