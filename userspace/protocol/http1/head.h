// The head of one HTTP/1.x message.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kilnwatch::protocol {

struct Head {
  std::string first, second, third;  // request: method, target, version; response: version, code
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case, values trimmed

  // Value of the first field of that name (lower case); empty when there is none.
  std::string_view field(std::string_view name) const {
    for (const auto& [key, value] : fields) {
      if (key == name) return value;
    }
    return {};
  }
};

}  // namespace kilnwatch::protocol
