// The rules of design §4.2.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "detect/seen_store.h"
#include "domain/finding.h"
#include "tracker/moment.h"

namespace kilnwatch::detect {

inline constexpr std::size_t kMaxStories = 4096;  // builds whose last novel connection is kept

class Detector {
 public:
  // `seen` outlives the detector.
  Detector(std::string boot_id, SeenStore& seen) : boot_id_(std::move(boot_id)), seen_(seen) {}

  // Nothing when the moment is no finding (a destination seen before).
  std::optional<domain::Finding> judge(const tracker::Moment& moment);

 private:
  void request(const tracker::Moment& moment, domain::Finding& finding);
  bool egress(const tracker::Moment& moment, domain::Finding& finding);
  void deploy(const tracker::Moment& moment, domain::Finding& finding);

  std::string boot_id_;
  SeenStore& seen_;
  std::map<std::string, domain::Connection> novel_;  // by build id
};

}  // namespace kilnwatch::detect
