// The processes that the kernel told about.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "domain/event.h"

namespace kilnwatch::identity {

inline constexpr std::size_t kMaxProcesses = 65'536;  // design §6
inline constexpr std::size_t kMaxAncestors = 16;

// Entries outlive the exit by kAfterExit ns of event time: records of other CPUs may come late.
class ProcessTable {
 public:
  void observe(const domain::Event& event);

  // Null when not known or when `start` says that the pid was used again; start 0 matches any.
  const domain::Process* find(std::uint32_t pid, domain::TimeNs start = 0) const;

  // exe (else comm) of parent, grandparent, ...; ends where knowledge ends.
  std::vector<std::string> ancestors(const domain::Process& process) const;

  // Fills exe, args and ppid of a process that came without them.
  void complete(domain::Process& process) const;

  std::size_t size() const { return table_.size(); }
  std::uint64_t refused() const { return refused_; }  // not stored: table full

 private:
  static constexpr domain::TimeNs kAfterExit = 5'000'000'000;
  void expire(domain::TimeNs now);
  void put(const domain::Process& process);

  std::unordered_map<std::uint32_t, domain::Process> table_;
  std::deque<std::pair<domain::TimeNs, std::pair<std::uint32_t, domain::TimeNs>>> gone_;
  std::uint64_t refused_ = 0;
};

}  // namespace kilnwatch::identity
