// The processes that the kernel told about.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "domain/event.h"

namespace kilnwatch::identity {

inline constexpr std::size_t kMaxProcesses = 65'536;  // design §6
inline constexpr std::size_t kMaxAncestors = 16;
// Over, and kept for what still runs below them: a shim that went into the background has one.
inline constexpr std::size_t kMaxKept = 16'384;
// A process that is known only because it connected to an engine: the kernel side tells exits of
// the lineage alone. Longer than a build waits for its client (tracker: kRequestWait), and than
// most clients live. ns after its last connection.
inline constexpr domain::TimeNs kClientKept = 300'000'000'000;

// A container runtime's first stage (runc re-executes itself as "runc init"), which executes the
// container's command later. Nothing that it forks connects anywhere.
bool is_runtime_init(const domain::Process& process);

// Entries outlive the exit by kAfterExit ns of event time: records of other CPUs may come late; and
// for as long as a child of theirs is known, so that lineage does not depend on when it is asked.
//
// A process of which only the fork was seen has its parent's exe and args: it is the parent's image
// until it executes something. Whether that record was lost cannot be told, so the copy counts only
// where another fact (the same comm) confirms it.
class ProcessTable {
 public:
  void observe(const domain::Event& event);

  // Null when not known or when `start` says that the pid was used again; start 0 matches any.
  const domain::Process* find(std::uint32_t pid, domain::TimeNs start = 0) const;

  // As find, of a process that ran at `time` and whose program was told.
  const domain::Process* find_running(std::uint32_t pid, domain::TimeNs time) const;

  // As find, of a process that ran at `time`, whether or not its program was told.
  const domain::Process* find_alive(std::uint32_t pid, domain::TimeNs time) const;

  // As find, when its program was told by an exec that the kernel saw: of clients outside the
  // lineage none is, /proc says what they are.
  const domain::Process* find_executed(std::uint32_t pid, domain::TimeNs start) const;

  // exe (else comm) of parent, grandparent, ...; ends where knowledge ends: also at one whose
  // program was not told, or cannot be the last one that it executed.
  std::vector<std::string> ancestors(const domain::Process& process) const;

  // Fills exe, args and ppid of a process that came without them. One that goes by another comm
  // executed something since, or named itself: its exe and args stay unknown.
  void complete(domain::Process& process) const;

  std::size_t size() const { return table_.size(); }
  // Not stored, not kept, or forgotten before their time: no room.
  std::uint64_t refused() const { return refused_; }

 private:
  static constexpr domain::TimeNs kAfterExit = 5'000'000'000;
  struct Entry {
    domain::Process process;
    bool told = false;          // its program: by an exec, or by the process as a client
    domain::TimeNs exited = 0;  // 0: runs, or the exit was not seen
    domain::TimeNs client = 0;  // known by its last connection only, then; 0: of the lineage
  };
  const Entry* entry_of(std::uint32_t pid, domain::TimeNs start) const;
  void expire(domain::TimeNs now);
  void put(const domain::Process& process, bool told);
  void see_client(const domain::ClientSeen& client);
  void retire(std::uint32_t pid);  // kept for its children, or forgotten
  void leave(std::uint32_t parent);
  void erase(std::uint32_t pid);  // one that is known

  std::unordered_map<std::uint32_t, Entry> table_;
  std::unordered_map<std::uint32_t, std::uint32_t> children_;  // pid → entries that name it parent
  std::deque<std::pair<domain::TimeNs, std::pair<std::uint32_t, domain::TimeNs>>> gone_;
  std::set<std::uint32_t> kept_;                                // expired, but for their children
  std::set<std::pair<domain::TimeNs, std::uint32_t>> clients_;  // Entry::client, pid
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::identity
