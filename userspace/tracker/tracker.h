// Joins what engines said with what the kernel saw. Single thread, event time only.
//
// Ranks of facts (design §1): a container that the kernel saw start outranks every line of a
// build's output; a line counts by its place in the stream; only `aux` messages and the request
// itself cannot be forged by a step.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "domain/api_fact.h"
#include "domain/event.h"
#include "identity/process_table.h"
#include "identity/step_lineage.h"
#include "tracker/api_containers.h"
#include "tracker/bounded.h"
#include "tracker/connections.h"
#include "tracker/containers.h"
#include "tracker/counters.h"
#include "tracker/dns_names.h"
#include "tracker/engine_calls.h"
#include "tracker/executions.h"
#include "tracker/heard_names.h"
#include "tracker/images.h"
#include "tracker/layers.h"
#include "tracker/limits.h"
#include "tracker/losses.h"
#include "tracker/moment.h"
#include "tracker/run.h"
#include "tracker/stores.h"
#include "tracker/timers.h"
#include "tracker/waiting.h"
#include "tracker/watchers.h"
#include "tracker/workers.h"

namespace kilnwatch::tracker {

class Tracker {
 public:
  // `outer`, `home`: of an engine in container `home`, whose conversations and processes `outer`
  // looks after.
  explicit Tracker(std::string boot_id, const Tracker* outer = nullptr, std::string home = {})
      : boot_id_(std::move(boot_id)), outer_(outer), home_(home), containers_(std::move(home)) {}
  Tracker(const Tracker&) = delete;  // deadlines point here
  Tracker& operator=(const Tracker&) = delete;

  void observe(const domain::Event& event);
  void learn(const domain::ApiFact& fact);
  // How long after a build or an import a container of its image is told.
  void set_deploy_window(domain::TimeNs window);
  // Others may know images: see MomentKind::kImageBuilt and Moment::foreign.
  void share_images();
  // Nothing more comes: all that waits is decided on what is known, at the time it was due or now,
  // whichever is first.
  void finish();
  // Event time at which something is decided without another event; none: not before one.
  std::optional<domain::TimeNs> due() const;
  std::vector<Moment> take() { return std::exchange(moments_, {}); }

  std::size_t open_builds() const { return held().builds; }
  Held held() const;
  const Counters& counters() const { return counters_; }
  const identity::ProcessTable& processes() const {
    return outer_ != nullptr ? outer_->processes_ : processes_;
  }

 private:
  struct Match {  // a step that a container may be
    Run* run = nullptr;
    const Vertex* vertex = nullptr;
    bool sure = false;                    // what it runs agrees
    std::vector<const Run*> shared = {};  // other builds that have this node
  };
  struct ServedStep {  // a step of a build of podman's API that a container may be
    Run* run = nullptr;
    domain::Step step;
    bool agrees = false;   // what it runs
    bool certain = false;  // no other step of that build
  };
  struct Owner {
    Run* run = nullptr;                   // the first of `runs`; null: nobody
    bool unsure = false;                  // it may be nobody's
    std::vector<Run*> runs;               // more than one: whose it is is not known
    std::vector<const Run*> shared = {};  // whose step it is as well
    domain::Step step;
    std::vector<domain::Reason> reasons;
  };
  struct Candidate {
    Run* run = nullptr;
    std::uint32_t number = 0;  // 0: not known
  };

  // tracker.cpp
  void see(const domain::ConnOpened& event);
  void see(const domain::ClientSeen& event);
  void see(const domain::ConnData& event);
  void see(const domain::ConnClosed& event);
  void see(const domain::ProcessExecuted& event);
  void see(const domain::ProcessExited& event);
  void see(const domain::EgressStarted& event);
  void see(const domain::EgressPayload& event);
  void see(const domain::EgressOutcome& event);
  void see(const domain::DnsAnswered& event);
  void see(const domain::KernelLoss& event);
  Containers::Met meet(const domain::Process& process, domain::TimeNs time, bool exec);
  void let_go(const std::string& id, domain::TimeNs due);
  void note_egress(domain::EgressId id);
  void check_egress(domain::EgressId id, domain::TimeNs time);
  template <class Other>
  void see(const Other&) {}
  static std::optional<PeerKey> peer_key(const domain::ConnOpened& opened);
  void drop_conn(domain::ConnId conn);
  void evict_conn();
  bool has_open_build(domain::ConnId conn) const;
  void end_builds(domain::ConnId conn, domain::TimeNs closed);
  void sweep_peers(domain::TimeNs due);
  // nested.cpp
  std::string engine_home(domain::ConnId conn) const;
  Tracker* inner_at(const std::string& home) const;
  bool follow(const std::string& home);
  void observe_inside(const domain::Event& event, domain::TimeNs now);
  void collect(Tracker& inner);
  void run_timers(domain::TimeNs now);
  // Of this engine, and of those in its containers.
  template <class Act>
  void each_run(const Act& act) {
    for (auto& [call, run] : runs_) act(run);
    for (auto& [home, inner] : inner_) inner->each_run(act);
  }
  bool is_dockerd(const domain::Process& process) const;
  bool asked_by_engine(domain::ConnId conn) const;
  void note_engine(const domain::ConnOpened& opened);
  std::string meet_engine(const domain::ConnOpened& opened);
  const domain::ClientSeen* client_of(const domain::ConnOpened& opened) const;
  void note_refusals();
  void fill_client(domain::ConnId conn, domain::Client& client) const;
  void tell(Moment moment);
  // creations.cpp
  void note_creation(const domain::ContainerCreated& fact, const std::string& scope);
  void await_creation(const Container& container, domain::TimeNs time);
  bool is_surely_step(const Container& container);
  void miss_creation(const EarlyStart& early, domain::TimeNs time);
  void tell_unseen(const std::string& key, const std::string& container, domain::TimeNs time);
  // blind.cpp
  void lose(const std::string& cause, std::uint64_t count, domain::TimeNs time,
            const domain::CallId& call = {}, const Run* run = nullptr);
  void tell_loss(const Losses::Due& due, const std::string& cause, domain::TimeNs time,
                 const domain::CallId& call, const std::optional<domain::Build>& build);
  void blind_egress(const Flow& flow, Container& container, domain::TimeNs time);
  // builds.cpp
  void on(const domain::BuildRequested& fact);
  void on(const domain::DockerfileSeen& fact);
  void on(const domain::ContextFetched& fact);
  void on(const domain::SessionOpened& fact);
  void on(const domain::SessionIdle& fact);
  void settle_session(const std::string& session);
  void on(const domain::BuildStepAnnounced& fact);
  void on(const domain::BuildContainerAnnounced& fact);
  void on(const domain::BuildContainerRemoved&) {}  // may be forged; the kernel sees the exit
  void on(const domain::BuildImageAnnounced& fact);
  void on(const domain::BuildTagAnnounced& fact);
  void on(const domain::BuildEnded& fact);
  void on(const domain::ConversationBlind& fact);
  Run* run_of(const domain::CallId& call);
  bool watches(const domain::BuildRequested& fact);
  void forget_run(domain::CallId call);
  Run* active_run(const domain::CallId& call, domain::TimeNs time);
  void known(Run& run, domain::TimeNs time);
  void end(Run& run, domain::BuildStatus status, domain::TimeNs time);
  void report_request(Run& run, domain::TimeNs time);
  void remember_image(const Run& run, domain::TimeNs time);
  void remember_export(const Run& run, domain::TimeNs time);
  void evict_run(domain::TimeNs time);
  bool container_runs(const Run& run);
  void check_idle(const domain::CallId& call, domain::TimeNs due);
  // claims.cpp
  bool step_running(const Run& run, domain::TimeNs at);
  bool fits(const Announced& announced, const Container& container) const;
  bool could_be_step(const Container& container) const;
  bool in_window(const Run& run, const Container& container) const;
  void claim(const domain::CallId& call, const Announced& announced, Container& container);
  void consider(Container& container);
  const Claim* winner(const Container& container) const;
  void confirm(Container& container);
  Owner claimed(const Container& container, bool last);
  Owner owner_of(const Container& container, bool last);
  // inference.cpp
  void note_unclaimed(const Container& container);
  bool told_by_kernel(const Run& run) const;
  std::vector<std::uint32_t> numbers_of(const Run& run, const Container& container) const;
  std::vector<std::uint32_t> ordered_numbers(const Run& run, const std::string& id) const;
  domain::Step step_of(const Run& run, std::uint32_t number, const Container& container) const;
  // any: also builds whose lines should have told all
  void candidates_of(Run& run, const Container& container, bool any,
                     std::vector<Candidate>& out) const;
  Owner choose(const std::vector<Candidate>& from, const Container& container);
  Owner inferred(const Container& container, bool last);
  // vertex_facts.cpp
  void on(const domain::VertexSeen& fact);
  void on(const domain::BuilderClock& fact);
  void note_step(const Container& container);
  void expect_upload(const domain::BuildRequested& fact);
  void take_upload(const domain::DockerfileSeen& fact);
  void meet_upload(Run& run);
  static std::vector<domain::Reason> vertex_reasons(const Run& run);
  // vertex_owner.cpp
  std::vector<Match> matches(const Container& container, bool settled);
  bool stands_on(const Run& run, const Vertex& vertex, const Container& container) const;
  bool rivalled(const Container& container, const Match& match);
  bool all_told(const Run& own, const Container& container) const;
  void eliminate(const Container& container, std::vector<Match>& left, bool& contended);
  Owner vertex_owner(const Container& container, bool last);
  // command_builds.cpp
  void on(const domain::CommandJoined& fact);
  bool within_step(const domain::Process& command);
  void begin_command(Run& run);
  void end_command(Run& run, domain::TimeNs time);
  void remember_command_image(Run& run, domain::TimeNs time);
  void note_stray_step(const domain::Process& process, domain::TimeNs time);
  void note_command_step(const Container& container);
  void note_row(Run& run, const Container& container, bool sole);
  Run* command_run(const Container& container);
  static domain::Step command_step(const Run& run, std::uint32_t number);
  Owner command_owner(const Container& container);
  // api_steps.cpp
  static bool is_served(const Run& run, const std::vector<identity::ProcessKey>& above);
  bool is_ours(const identity::BuildStep& step) const;
  std::vector<Run*> served_runs(const Container& container);
  void on_podman_line(Run& run, const domain::BuildStepAnnounced& fact);
  void note_served_step(Container& container);
  std::vector<ServedStep> served_steps(Run& run, const Container& container);
  std::vector<ServedStep> steps_of_file(Run& run, const Container& container);
  bool surely_not(Run& run, const Container& container);
  bool lost_before(const Container& container) const;
  bool hides_build(const Container& container) const;
  bool hides_buildkit(const Container& container, bool last) const;
  Owner served_owner(const Container& container, bool last);
  // failures.cpp
  void note_failure(Run& run, const Vertex& vertex);
  void note_failure(Run& run, const std::string& message);
  void await_failure(Run& run, domain::TimeNs time);
  void tell_failure(Run& run, domain::TimeNs time);
  // elsewhere.cpp
  void await_elsewhere(const domain::EgressStarted& event);
  void name_elsewhere(const domain::EgressPayload& event);
  void tell_elsewhere(domain::EgressId id, domain::TimeNs due);
  // names.cpp
  const HeardNames& heard() const { return outer_ != nullptr ? outer_->heard() : heard_; }
  std::vector<domain::DnsName> names_of(const Flow& flow, const Owner& owner) const;
  void note_network(const Container& container, std::uint32_t net);
  bool may_be_forged();
  // engine_egress.cpp
  std::vector<domain::Build> builds_of(std::uint32_t engine_pid, domain::TimeNs at);
  std::uint32_t engine_above(const domain::Process& process) const;
  std::vector<domain::Build> builds_above(const domain::Process& process);
  bool is_engines(domain::EgressId id, std::uint32_t pid) const;
  void name_engine_call(domain::EgressId id, const domain::Connection& connection);
  void await_engine(const domain::ConnOpened& opened);
  void await_below(const domain::EgressStarted& event);
  void note_engine_fetch(const domain::ContextFetched& fact);
  void await_engine_call(const std::string& id, EngineCall call);
  void tell_engine_call(const std::string& id, domain::TimeNs due);
  // egress.cpp
  void try_decide(domain::EgressId id, domain::TimeNs time, bool last);
  void decide_waiting(Container& container, domain::TimeNs time);
  bool stays_inside(const Flow& flow, const Owner& owner) const;
  void report_egress(const Flow& flow, Owner owner, domain::TimeNs time);
  void drop_flow(domain::EgressId id);
  void note_execution(const Container& container, const domain::ProcessExecuted& event);
  void tell_executions(std::optional<domain::TimeNs> due);
  bool is_engine(const domain::Endpoint& to) const;
  void note_resolver(const domain::DnsAnswered& event);
  bool is_resolver(const domain::Endpoint& to) const;
  // deploys.cpp
  void on(const domain::PodStarted& fact) { stores_of(fact.call).add(fact); }
  void on(const domain::ManifestStored& fact);
  void on(const domain::ImageResolved& fact);
  void on(domain::ContainerCreated fact);
  void on(const domain::ContainerStartAsked& fact);
  void on(const domain::ContainerStarted& fact);
  void on(const domain::ContainerRenamed& fact);
  void on(const domain::ContainerEmpowered& fact);
  void lend_mounts(domain::ContainerCreated& created, const std::string& scope) const;
  void on(const domain::ImageTagged& fact);
  void meet_early_start(const std::string& key, domain::TimeNs time);
  void note_start(const Container& container, domain::TimeNs time);
  domain::TimeNs ran_since(const Waiting& waiting);
  bool announced(const std::string& id);
  std::string waiting_deploy(const std::string& scope, const std::string& reference) const;
  void check_deploy(const std::string& id, domain::TimeNs due);
  // `start` null: none came.
  bool room_for_deploy(domain::TimeNs time);
  void forget_name(std::map<std::string, Waiting>::iterator it);
  void forget_deploy(std::map<std::string, Waiting>::iterator it);
  void settle_deploy(const std::string& id, const domain::ContainerStarted* start,
                     domain::TimeNs time);
  static void tell_image(const Waiting& waiting, Moment& moment);
  bool is_told_by_dockerd(const Waiting& waiting) const;
  // shared_images.cpp
  void tell_built(const Made& made, const domain::CallId& call, domain::TimeNs time);
  void tell_pushed(const domain::ImagePushed& fact);
  std::string name_elsewhere(const domain::ContainerCreated& fact);
  // image_stores.cpp
  domain::Process engine_of(const domain::ConnOpened& opened) const;
  const Conn* conn_of(domain::ConnId conn) const;
  std::uint32_t uid_of(const domain::CallId& call) const;
  std::string api_key(std::uint32_t uid, const std::string& id) const;
  std::string store_of(const domain::CallId& call) const;
  Stores& stores_of(const domain::CallId& call) { return stores_.of(uid_of(call)); }
  Images& images_of(const domain::CallId& call);
  Images::Found stored_image(const domain::ContainerCreated& fact) const;
  Images::Found find_image(const domain::ContainerCreated& fact);
  template <class Fact>
  std::string scope_of(const Fact& fact) const;
  // imports.cpp
  void on(const domain::ImageMoved& fact);
  void on(const domain::ImagePushed& fact);
  std::string built_here(const domain::ImageMoved& fact);
  std::string committed(const domain::ImageMoved& fact);
  const Made* exported(const std::string& id, domain::TimeNs now) const;
  const Made* exported_as(const std::string& name, domain::TimeNs now) const;
  const Made* export_of(const domain::ImageMoved& fact) const;
  bool take_export(const domain::ImageMoved& fact, const std::optional<domain::Import>& import);

  std::string boot_id_;
  const Tracker* outer_ = nullptr;
  std::string home_;
  std::map<std::string, std::unique_ptr<Tracker>> inner_;  // by home
  domain::TimeNs now_ = 0;
  Timers timers_;
  identity::ProcessTable processes_;
  identity::StepLineage steps_;
  Workers workers_;
  static constexpr std::size_t kRefusals = 5;  // causes
  std::array<std::uint64_t, kRefusals> refusals_told_{};
  std::map<domain::ConnId, Conn> conns_;
  std::map<domain::ConnId, Conn> evicted_;       // forgotten in conns_ while they were open
  RecentNames nested_told_{kMaxContainerNames};  // containers with an engine
  RecentNames serving_{kMaxConnections};         // processes that serve docker's API
  std::map<PeerKey, Peer> peers_;
  bool sweeping_ = false;             // a deadline for peers_ is set
  std::set<std::string> engine_ips_;  // where engines were reached over TCP
  std::set<std::uint16_t> engine_ports_;
  std::map<domain::CallId, Run> runs_;
  std::map<domain::CallId, Upload> uploads_;
  domain::TimeNs hidden_at_ = 0;  // a conversation could not be read that may be a build's, last
  std::size_t vertex_bytes_ = 0;  // of all builds
  Containers containers_;
  Layers layers_;
  DnsNames dns_names_;
  HeardNames heard_;               // of the outermost
  std::set<std::string> on_host_;  // BuildKit's steps with the host's own network
  Watchers watchers_;
  RecentNames idle_sessions_{kMaxBuilds};
  RecentNames strays_{kMaxContainerNames};  // steps of nobody's build, seen to begin
  std::unordered_map<domain::EgressId, Flow> flows_;
  std::unordered_map<domain::EgressId, Elsewhere> elsewhere_;  // unless a step claims it
  EngineCalls engine_calls_;
  RecentNames engines_{kMaxNested};  // pids of engines that were seen to connect
  std::set<std::string> resolvers_;  // that the host's configuration was seen to name
  Executions executions_;
  std::set<domain::EgressId> begun_;  // whose beginning was seen; ids ascend
  bool begun_all_ = true;             // none of them was forgotten
  // By API, by a key of each; those of images built here until they start.
  std::map<std::string, Waiting> created_;
  std::deque<std::string> told_created_;  // Waiting::told, oldest first; some started since
  std::map<std::string, std::string> created_names_;  // by scope and name: the key in created_
  // By api_key. A client made them: never a build's step; it started them, whoever made them.
  RecentNames by_api_{kMaxContainerNames};
  RecentNames by_start_{kMaxContainerNames};
  std::deque<EarlyStart> early_starts_;
  // Seen, or told as not seen. One that so many newer ones pushed out is told at its next start.
  RecentNames creations_{2 * kMaxContainerNames};
  ApiContainers api_containers_;
  domain::TimeNs deploy_window_ = kDeployWindow;
  bool shares_ = false;
  Images images_;
  Images podman_images_{Names::kPodman};  // of its stores, which buildah uses, too
  Images exports_;                        // made by buildkitd: in no store until one takes them in
  RecentNames imported_{kMaxImports};     // told
  UserStores stores_;                     // of containerds
  Losses losses_;
  std::vector<Moment> moments_;
  Counters counters_;
};

}  // namespace kilnwatch::tracker
