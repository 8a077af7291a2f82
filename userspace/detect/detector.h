// The rules of design §4.2.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "detect/seen_store.h"
#include "domain/finding.h"
#include "tracker/bounded.h"
#include "tracker/moment.h"

namespace kilnwatch::detect {

inline constexpr std::size_t kMaxStories = 4096;  // builds whose last novel connection is kept
inline constexpr std::size_t kMaxImports = 4096;  // imports of containers with a novel connection
inline constexpr std::size_t kMaxTold = 65'536;   // step containers with a destination

class Detector {
 public:
  // `seen` outlives the detector.
  Detector(std::string boot_id, SeenStore& seen) : boot_id_(std::move(boot_id)), seen_(seen) {}

  // Nothing when the moment is no finding (a destination seen before).
  std::optional<domain::Finding> judge(const tracker::Moment& moment);

 private:
  void request(const tracker::Moment& moment, domain::Finding& finding);
  bool egress(const tracker::Moment& moment, domain::Finding& finding);
  static void failed(const tracker::Moment& moment, domain::Finding& finding);
  void deploy(const tracker::Moment& moment, domain::Finding& finding);
  void blind(domain::Finding& finding);
  // import_rule.cpp
  void import(const tracker::Moment& moment, domain::Finding& finding);
  void deploy_import(const domain::Import& import, domain::Finding& finding);
  void remember(const std::string& build, const domain::Connection& connection);

  std::string boot_id_;
  SeenStore& seen_;
  std::map<std::string, domain::Connection> novel_;  // by build id
  std::deque<std::string> novel_order_;              // of the builds, oldest first
  tracker::RecentNames told_{kMaxTold};
  tracker::RecentNames novel_egress_{kMaxTold};      // numbers of connections
  tracker::RecentNames novel_imports_{kMaxImports};  // ids of imports
};

}  // namespace kilnwatch::detect
