// What the classic builder writes (moby: daemon/builder/dockerfile; streamformatter).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domain/api_fact.h"

namespace kilnwatch::engine::docker {

// Facts of one JSON message. A step's own output travels in the same messages and can imitate
// every line here; the tracker ranks them.
class BuildOutput {
 public:
  void message(std::string_view json, domain::TimeNs time, domain::CallId call,
               std::vector<domain::ApiFact>& facts);
  domain::BuildEnded ended(domain::TimeNs time, domain::CallId call,
                           std::uint32_t http_status) const;

 private:
  void line(const std::string& text, domain::TimeNs time, domain::CallId call,
            std::vector<domain::ApiFact>& facts);

  bool step_seen_ = false;
  bool built_ = false;
  std::string error_;
};

}  // namespace kilnwatch::engine::docker
