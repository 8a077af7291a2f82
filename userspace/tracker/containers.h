// The containers that the kernel saw: when each began, what it runs, when it was over.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "domain/event.h"
#include "domain/finding.h"
#include "identity/process_table.h"
#include "identity/step_lineage.h"
#include "tracker/bounded.h"

namespace kilnwatch::tracker {

inline constexpr std::size_t kMaxContainers = 16'384;
inline constexpr std::size_t kMaxContainerNames = 16'384;  // ids remembered after the end

// A build said that this container is its own.
struct Claim {
  domain::CallId call;
  domain::Step step;     // number 0: the line of the step was not seen
  bool in_step = false;  // said while another step of that build ran: could be its output
};

struct Container {
  std::string id;
  domain::TimeNs first_seen = 0;
  domain::TimeNs last_seen = 0;  // a process of it did something
  domain::TimeNs exited = 0;     // of its first process; 0: runs, or the exit was not seen
  std::uint64_t cgroup = 0;
  std::uint32_t init_pid = 0;  // 0: the first process was not seen
  domain::TimeNs init_start = 0;
  std::vector<std::string> init_args;
  bool args_cut = false;
  std::vector<std::string> layers;  // of its root: domain::Process::layers
  std::uint64_t layer_born = 0;     // domain::Process::layer_born
  std::uint32_t engine_pid = 0;     // BuildKit: whose runtime runs it; 0: not known
  // Its processes come from a runtime that the sensor saw start. The kernel side follows
  // lineage from the runtimes that are executed while it watches: a container older than the
  // sensor has none.
  bool start_seen = false;
  bool other_engine = false;  // named by CRI or podman: no step of dockerd's builder
  std::uint32_t uid = 0;      // of the engine, by its shim's or runtime's
  // A step of a build that is a command: who had it started (identity::BuildStep).
  std::vector<identity::ProcessKey> above;
  std::uint32_t ordinal = 0;  // identity::BuildStep's
  bool named = false;         // `id` is a runtime's name for it
  bool blind_told = false;
  bool reached_out = false;  // it made a connection that may be a step's
  std::uint64_t rank = 0;    // in the order of eviction
  std::vector<Claim> claims;
  std::set<domain::EgressId> waiting;  // connections whose step is not decided
};

// Of one engine: the host's, or one that runs in a container.
class Containers {
 public:
  // `home`: the container that the engine runs in; empty: the host's engine.
  explicit Containers(std::string home = {}) : home_(std::move(home)) {}
  struct Met {
    Container* container = nullptr;  // null: no container, or no room
    bool fresh = false;              // first met now
    bool told = false;               // what its first process runs is known since now
  };
  // The container of this engine that a process belongs to, also when an engine inside it made a
  // further one; empty: none. A cgroup's name says little, since a build request may choose the
  // parent of its steps' cgroups and a process with privileges may make any below its own: what
  // counts is from where the process was started. What an engine inside a container makes is below
  // that container's cgroup and comes from a process in it.
  std::string home_of(const domain::Process& process,
                      const identity::ProcessTable& processes) const;
  // A process of a container did something (`exec`: executed). `step`: it is of that one, whatever
  // its cgroup; null: of none.
  Met meet(const domain::Process& process, domain::TimeNs time, bool exec,
           const identity::ProcessTable& processes, const identity::BuildStep* step);
  // The container whose first process this was, or null.
  Container* exit(std::uint32_t pid, domain::TimeNs start, domain::TimeNs time);
  // Of one that is over its id is kept. A step that lineage tells needs none: no other has its id,
  // and what it left running is still the step's.
  void forget(const std::string& id);

  Container* find(const std::string& id);
  // Those whose id begins so, at most two: more than one is as good as none.
  std::vector<Container*> with_prefix(const std::string& prefix);
  // Was seen before and came to its end: what runs under that id now was started again.
  bool over(const std::string& id) const { return past_.contains(id); }
  // Cgroup ids only ever grow: one made after this moment has a greater one (kernfs: fs/kernfs).
  std::uint64_t newest_cgroup() const { return newest_cgroup_; }
  void note_cgroup(const domain::Cgroup& cgroup);
  std::size_t size() const { return table_.size(); }
  std::uint64_t refused() const { return refused_; }

 private:
  void make_room();
  std::string home_;
  std::map<std::string, Container> table_;
  std::map<std::pair<std::uint32_t, domain::TimeNs>, std::string> by_init_;
  std::map<std::uint64_t, std::string> order_;  // by rank, oldest first
  std::uint64_t next_rank_ = 0;
  RecentNames past_{kMaxContainerNames};
  std::uint64_t newest_cgroup_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::tracker
