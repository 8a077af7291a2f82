// Connections that only ask how a build of another connection goes.
#pragma once

#include <cstddef>
#include <map>

#include "domain/api_fact.h"

namespace kilnwatch::tracker {

inline constexpr std::size_t kMaxWatchers = 1024;  // as many as builds

class Watchers {
 public:
  // False: no room.
  bool insert(const domain::CallId& watcher, const domain::CallId& build, domain::TimeNs time) {
    if (all_.size() >= kMaxWatchers && !all_.contains(watcher)) return false;
    all_[watcher] = {build, time};
    return true;
  }
  bool contains(const domain::CallId& call) const { return all_.contains(call); }
  // The build that a call is about: itself, where it watches none.
  domain::CallId build_of(const domain::CallId& call) const {
    const auto it = all_.find(call);
    return it == all_.end() ? call : it->second.build;
  }
  bool began_at(const domain::CallId& call, domain::TimeNs time) const {
    const auto it = all_.find(call);
    return it != all_.end() && it->second.time == time;
  }
  void forget(const domain::CallId& build) {
    std::erase_if(all_, [&](const auto& entry) { return entry.second.build == build; });
  }

 private:
  struct Watched {
    domain::CallId build;
    domain::TimeNs time = 0;
  };
  std::map<domain::CallId, Watched> all_;
};

}  // namespace kilnwatch::tracker
