// The rules of design §4.2.
#pragma once

#include <optional>
#include <string>

#include "baseline/store.h"
#include "detect/chains.h"
#include "detect/shared_images.h"
#include "domain/finding.h"
#include "fleet/fleet.h"
#include "policy/policy.h"
#include "tracker/bounded.h"
#include "tracker/moment.h"

namespace kilnwatch::detect {

inline constexpr std::size_t kMaxImports = 4096;  // imports of containers with a novel connection
inline constexpr std::size_t kMaxTold = 65'536;   // step containers with a destination
inline constexpr std::size_t kMaxPowers = 4096;   // containers told as created with powers
inline constexpr domain::TimeNs kSecond = 1'000'000'000;
// A deployment within it is one "at once": `docker build && docker run`.
inline constexpr domain::TimeNs kDeploySoon = 60 * kSecond;

class Detector {
 public:
  // `store` outlives the detector. `wall_offset`: wall clock minus boot clock, ns: exceptions end,
  // and destinations are known, by the wall clock.
  Detector(std::string boot_id, baseline::Store& store, std::uint64_t wall_offset = 0)
      : boot_id_(std::move(boot_id)), baseline_(store), wall_offset_(wall_offset) {}

  // From now on findings are judged by it.
  void apply(policy::Policy policy);

  // From now on what hosts share counts, too. Null: they share nothing. Outlives the detector.
  // `host`: the name that others know this one by.
  void join(fleet::Fleet* fleet, std::string host) {
    fleet_ = fleet;
    shared_images_.join(fleet, std::move(host), wall_offset_);
  }
  // Asks what is to be known before the moment is judged; 0: nothing. Moments are judged in the
  // order in which this was called for them.
  fleet::Fleet::Ticket ask(const tracker::Moment& moment);
  // What stands for the moment and what others are asked for it, whether or not there are any; a
  // replay has the same.
  static std::string question(const tracker::Moment& moment);

  // Nothing when the moment is no finding (a destination seen before). `answer`: to what was asked;
  // none: nothing was.
  using Answer = std::optional<fleet::Answer>;
  std::optional<domain::Finding> judge(const tracker::Moment& moment, const Answer& answer = {});

  // Of stories and images of builds, for want of room.
  std::uint64_t refused() const { return chains_.refused() + shared_images_.refused(); }

 private:
  // `fetch`: a moment as `chosen` gives it.
  std::optional<domain::Finding> judge(const tracker::Moment& moment, bool fetch,
                                       const Answer& answer);
  void request(const tracker::Moment& moment, domain::Finding& finding);
  static void failed(const tracker::Moment& moment, domain::Finding& finding);
  static void blind(domain::Finding& finding);
  // egress_rule.cpp. Nothing: no finding. Else whether it is part of its build's story.
  std::optional<bool> egress(const tracker::Moment& moment, domain::Finding& finding,
                             const policy::Exception* exception, const Answer& answer);
  // engine_rule.cpp, likewise.
  std::optional<bool> engine_egress(const tracker::Moment& moment, domain::Finding& finding,
                                    const policy::Exception* exception);
  std::optional<bool> fetched(const tracker::Moment& moment, domain::Finding& finding,
                              const policy::Exception* exception, const Answer& answer);
  // An engine's connection for an ADD, or to where a context's name leads inside: with the build
  // that has it fetched, or with those that may. Nothing: it is no such connection.
  static std::optional<tracker::Moment> chosen(const tracker::Moment& moment);
  // deploy_rule.cpp. False: no finding, the image is of nobody's build.
  bool deploy(const tracker::Moment& moment, const Answer& answer, domain::Finding& finding);
  void deploy_build(const domain::Build& build, domain::Finding& finding);
  void asked_by(domain::Finding& finding, const domain::Client& client, const char* part) const;
  void starts_beside(domain::Finding& finding, const domain::Deployment& deployment) const;
  // shared_image_rule.cpp. False: nobody built it, as far as is known.
  bool deploy_foreign(const tracker::Moment& moment, const Answer& answer,
                      domain::Finding& finding);
  // powers_rule.cpp. False: no finding.
  bool powers(const tracker::Moment& moment, domain::Finding& finding);
  // import_rule.cpp
  void import(const tracker::Moment& moment, domain::Finding& finding);
  void deploy_import(const domain::Import& import, domain::Finding& finding);
  // seen.cpp
  baseline::Seconds wall(const tracker::Moment& moment) const;
  bool is_learning(const tracker::Moment& moment) const;
  bool is_told(const tracker::Moment& moment, const domain::Connection& connection) const;
  bool meet(const tracker::Moment& moment, const Answer& answer, domain::Connection& connection);
  fleet::Fleet::Ticket ask_destination(const tracker::Moment& moment);
  void meet_fleet(const tracker::Moment& moment, const Answer& answer,
                  domain::Connection& connection);
  void meet_elsewhere(const tracker::Moment& moment);
  void new_client(const tracker::Moment& moment, const domain::Client& client,
                  domain::Finding& finding);
  // policy_rule.cpp
  void client_place(domain::Finding& finding, const domain::Client& client,
                    const std::string& home) const;
  bool is_listed(const domain::Client& client) const;
  void base_registries(const domain::Build& build, domain::Finding& finding) const;
  // That holds at its time; null: none.
  const policy::Exception* exception(const tracker::Moment& moment, domain::Rule rule) const;
  void override_severity(domain::Finding& finding, const policy::Exception* exception) const;
  // `claim`: the name that the process claims; a claim is enough to be denied. Null: none.
  const policy::Destination* denied_by(const domain::Connection& connection,
                                       const std::string& claim) const;
  const policy::Destination* allowed_by(const domain::Connection& connection) const;

  std::string boot_id_;
  baseline::Store& baseline_;
  std::uint64_t wall_offset_;
  policy::Policy policy_;
  fleet::Fleet* fleet_ = nullptr;
  Chains chains_;
  SharedImages shared_images_;
  tracker::RecentNames told_{kMaxTold};
  tracker::RecentNames novel_egress_{kMaxTold};      // numbers of connections, by scope
  tracker::RecentNames novel_imports_{kMaxImports};  // ids of imports
  tracker::RecentNames novel_powers_{kMaxPowers};    // keys of containers
};

}  // namespace kilnwatch::detect
