// The containers that clients made: their names, and where they connected. An image that is made of
// one (commit) has that for its story.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "domain/types.h"

namespace kilnwatch::tracker {

inline constexpr std::size_t kMaxApiContainers = 4096;  // the oldest is forgotten
inline constexpr std::size_t kMaxReached = 64;          // destinations of one, the first ones

class ApiContainers {
 public:
  // Without a leading slash. A name goes to the newest container of that scope.
  void created(const std::string& id, const std::string& scope, const std::string& name);
  // A repeat counts once.
  void connected(const std::string& id, const domain::Endpoint& to);

  // As dockerd resolves a reference to a container: id, name, then a prefix of an id that only one
  // container has (moby: daemon/container.go, GetContainer). Empty: not known.
  std::string find(const std::string& scope, const std::string& reference) const;
  // In the order in which it did.
  std::vector<domain::Endpoint> reached(const std::string& id) const;
  // Destinations beyond kMaxReached, of one container.
  std::uint64_t refused(const std::string& id) const;

 private:
  struct Entry {
    std::string name;  // behind its scope
    std::vector<domain::Endpoint> reached;
    std::uint64_t refused = 0;
  };
  Entry& entry(const std::string& id);
  std::map<std::string, Entry> table_;
  std::map<std::string, std::string> names_;  // to id
  std::deque<std::string> order_;             // oldest first
};

}  // namespace kilnwatch::tracker
