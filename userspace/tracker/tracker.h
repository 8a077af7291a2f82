// Joins what engines said with what the kernel saw. Single thread, event time only.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "domain/api_fact.h"
#include "domain/event.h"
#include "identity/process_table.h"
#include "tracker/moment.h"

namespace kilnwatch::tracker {

// Limits (design §6) and windows, ns.
inline constexpr std::size_t kMaxBuilds = 1024;
inline constexpr std::size_t kMaxSteps = 512;
inline constexpr std::size_t kMaxConnections = 4096;
inline constexpr std::size_t kMaxContainers = 16'384;
inline constexpr std::size_t kMaxEgress = 16'384;
inline constexpr std::size_t kMaxImages = 4096;
inline constexpr domain::TimeNs kSecond = 1'000'000'000;
inline constexpr domain::TimeNs kRequestWait = 2 * kSecond;
inline constexpr domain::TimeNs kEgressWait = kSecond;
inline constexpr domain::TimeNs kDeployWait = 2 * kSecond;
inline constexpr domain::TimeNs kClientWait = 50'000'000;  // records of other CPUs
inline constexpr domain::TimeNs kLinger = 2 * kSecond;     // facts that come after the end
inline constexpr domain::TimeNs kDeployWindow = 24 * 3600 * kSecond;

struct Counters {
  std::uint64_t refused = 0;         // not stored: a table was full
  std::uint64_t ignored_forged = 0;  // announcements that were a step's own output
};

class Tracker {
 public:
  explicit Tracker(std::string boot_id) : boot_id_(std::move(boot_id)) {}

  void observe(const domain::Event& event);
  void learn(const domain::ApiFact& fact);
  std::vector<Moment> take() { return std::exchange(moments_, {}); }

  std::size_t open_builds() const { return runs_.size(); }
  const Counters& counters() const { return counters_; }
  const identity::ProcessTable& processes() const { return processes_; }

 private:
  // unix: the join number; tcp: both ends.
  using ClientKey = std::tuple<std::uint64_t, domain::Endpoint, domain::Endpoint>;
  struct Announced {  // "Running in"
    std::string short_id;
    domain::TimeNs time = 0;
    bool over = false;
    domain::Step step;
  };
  struct Run {
    domain::Build build;
    domain::TimeNs known_at = 0;  // base images; 0: not yet
    bool reported = false;
    bool step_seen = false;
    domain::Step current;
    std::vector<Announced> announced;
    domain::Image image;
  };
  struct Container {
    domain::TimeNs first_seen = 0;
    domain::TimeNs exited = 0;
    std::uint32_t init_pid = 0;
    std::vector<std::string> init_args;
    bool started_seen = false;  // first met by an exec: its start was watched
  };
  struct Flow {  // egress on its way to its decision
    domain::EgressStarted egress;
    std::string container;
    std::string payload;
    bool ripe = false;  // payload, outcome
  };
  struct Conn {
    domain::ConnOpened opened;
    domain::TimeNs closed = 0;
  };
  struct Made {
    domain::TimeNs time = 0;
    domain::Build build;
    domain::Image image;
  };
  struct Owner {
    Run* run = nullptr;
    domain::Step step;
    std::vector<domain::Reason> reasons;
  };

  // builds.cpp
  void on(const domain::BuildRequested& fact);
  void on(const domain::DockerfileSeen& fact);
  void on(const domain::BuildStepAnnounced& fact);
  void on(const domain::BuildContainerAnnounced& fact);
  void on(const domain::BuildContainerRemoved& fact);
  void on(const domain::BuildImageAnnounced& fact);
  void on(const domain::BuildTagAnnounced& fact);
  void on(const domain::BuildEnded& fact);
  void on(const domain::ConversationBlind& fact);
  Run* run_of(const domain::CallId& call);
  bool step_running(const Run& run, domain::TimeNs at) const;
  void report_request(Run& run, domain::TimeNs time);
  void fill_client(const domain::ConnId& conn, domain::Client& client) const;
  void advance_builds(domain::TimeNs now);
  // egress.cpp
  void meet_container(const domain::Process& process, domain::TimeNs time, bool exec);
  Owner owner_of(const Flow& flow);
  bool decide(Flow& flow, domain::TimeNs now, bool last);
  void advance_egress(domain::TimeNs now);
  // deploys.cpp
  bool created_by_api(const std::string& id) const { return by_api_.contains(id); }
  void on(const domain::ContainerCreated& fact);
  void on(const domain::ContainerStarted& fact);
  void on(const domain::ImageTagged& fact);
  Made* image_of(const std::string& name, domain::TimeNs now);
  void report_deploy(const domain::ContainerCreated& created, const domain::CallId& call,
                     domain::TimeNs time);
  void remember_image(const Run& run, domain::TimeNs time);
  void advance_deploys(domain::TimeNs now);

  void advance_all();
  void blind(domain::TimeNs time, domain::CallId call, const Run* run, std::string cause);

  std::string boot_id_;
  domain::TimeNs now_ = 0;
  identity::ProcessTable processes_;
  std::map<domain::ConnId, Conn> conns_;
  std::map<ClientKey, domain::ClientSeen> clients_;
  std::set<domain::Endpoint> listeners_;
  std::map<domain::CallId, Run> runs_;
  std::map<std::string, Container> containers_;
  std::map<domain::EgressId, Flow> flows_;
  std::map<std::string, domain::ContainerCreated> created_;  // by API, not reported yet
  std::set<std::string> by_api_;       // containers that a client created: never a build's step
  std::deque<std::string> api_order_;  // of by_api_, oldest first
  std::deque<Made> images_;
  std::vector<Moment> moments_;
  Counters counters_;
};

// "docker.io/library/x:latest" of any short form; ids and digests stay as they are.
std::string normalise_image(const std::string& name);

}  // namespace kilnwatch::tracker
