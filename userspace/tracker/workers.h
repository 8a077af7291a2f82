// The processes that builds which are commands have: the command itself, others that joined.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "domain/api_fact.h"
#include "identity/step_lineage.h"

namespace kilnwatch::tracker {

// Each build has one; a working container's one more for each command on it.
inline constexpr std::size_t kMaxWorkers = 4096;

struct Work {
  domain::CallId call;
  std::string instruction;  // what runs below is this step; empty: the Dockerfile tells
};

class Workers {
 public:
  // False: no room.
  bool add(const identity::ProcessKey& process, Work work) {
    if (all_.size() >= kMaxWorkers && !all_.contains(process)) return false;
    all_.insert_or_assign(process, std::move(work));
    return true;
  }
  // Of the nearest one in a line of processes; null: there is none.
  const Work* above(const std::vector<identity::ProcessKey>& line) const {
    for (const auto& process : line) {
      if (const auto it = all_.find(process); it != all_.end()) return &it->second;
    }
    return nullptr;
  }
  void forget(const domain::CallId& call) {
    std::erase_if(all_, [&](const auto& one) { return one.second.call == call; });
  }
  std::size_t size() const { return all_.size(); }

 private:
  std::map<identity::ProcessKey, Work> all_;
};

}  // namespace kilnwatch::tracker
