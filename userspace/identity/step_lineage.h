// Steps of builders that have no daemon of their own: told by who started whom.
//
// podman and buildah execute themselves as "buildah-oci-runtime", which has the container made by
// "runc|crun … create … buildah-buildah<digits>" (buildah: run_common.go, runUsingRuntime), or as
// "buildah-chroot-exec", which forks the command (chroot/run_common.go). kaniko forks the
// command (kaniko: pkg/commands/run.go). Only the first has a cgroup of its own, and not always, so
// a step is here the process that executes its command, and all below it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "domain/event.h"
#include "identity/process_table.h"

namespace kilnwatch::identity {

inline constexpr std::size_t kMaxStepProcesses = 65'536;  // as kMaxProcesses

inline constexpr std::size_t kMaxBuilders = 4096;  // as commands at once (engine/command)

struct ProcessKey {
  std::uint32_t pid = 0;
  domain::TimeNs start = 0;
  auto operator<=>(const ProcessKey&) const = default;
};

inline ProcessKey key_of(const domain::Process& process) { return {process.pid, process.start}; }

struct BuildStep {
  std::string id;          // the runtime's container, else "step-<pid>-<start>"
  bool container = false;  // it is the runtime's
  ProcessKey first;        // executes the command
  // Who had it started, nearest first: the builder is among them, and who executed that.
  std::vector<ProcessKey> above;
  // Among the steps of that builder, from 1, as far as any record of theirs was seen: where it is
  // greater than the number of steps known, one is not known.
  std::uint32_t ordinal = 0;
};

class StepLineage {
 public:
  // Every event, after `processes` has observed it.
  void observe(const domain::Event& event, const ProcessTable& processes);

  // The step that a process belongs to; null: none is known.
  std::shared_ptr<const BuildStep> step_of(const domain::Process& process) const;

  // A process of that step runs, or ran a moment ago.
  bool has_members(const std::string& id) const;

  std::size_t size() const { return members_.size(); }
  std::uint64_t refused() const { return refused_; }  // processes, for want of room

 private:
  static constexpr domain::TimeNs kAfterExit = 5'000'000'000;  // as ProcessTable's
  enum class Role : std::uint8_t {
    kLauncher,  // starts a runtime
    kBuilder,   // forks commands
    kMaker,     // a runtime that makes the container, and what it forks until the command runs
    kStep,
  };
  struct Member {
    Role role = Role::kLauncher;
    domain::TimeNs start = 0;
    std::shared_ptr<BuildStep> step;  // kLauncher, kBuilder: with `above` only
  };
  // What of a builder's steps was seen, by different records.
  struct Seen {
    std::uint32_t launched = 0;
    std::set<std::string> ids;
  };
  Seen& seen_of(const ProcessKey& builder);
  Member* find(std::uint32_t pid, domain::TimeNs start);
  void put(std::uint32_t pid, Member member);
  void remove(std::uint32_t pid);
  void execute(const domain::Process& process, const ProcessTable& processes);
  void begin(const domain::Process& process, const Member& from);
  void witness(const domain::Process& process, const ProcessTable& processes);
  void expire(domain::TimeNs now);

  std::map<ProcessKey, Seen> seen_;  // by BuildStep::above's nearest one
  std::unordered_map<std::uint32_t, Member> members_;
  std::unordered_map<std::string, std::weak_ptr<BuildStep>> containers_;  // by BuildStep::id
  std::unordered_map<std::string, std::size_t> counts_;                   // kStep, by BuildStep::id
  std::deque<std::pair<domain::TimeNs, ProcessKey>> gone_;
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::identity
