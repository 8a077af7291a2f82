// The containers that clients made: their names, and where they connected. An image that is made of
// one (commit) has that for its story.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domain/api_fact.h"
#include "domain/types.h"

namespace kilnwatch::tracker {

inline constexpr std::size_t kMaxApiContainers = 4096;  // the oldest is forgotten
inline constexpr std::size_t kMaxReached = 64;          // destinations of one, the first ones
inline constexpr std::size_t kMaxLent = 16;             // mounts of one that others may have

// Something that no container has unless it is asked for. What it amounts to is detect's to say.
bool has_of_host(const domain::ContainerCreated& created);

class ApiContainers {
 public:
  // Without a leading slash. A name goes to the newest container of that scope.
  void created(const std::string& id, const std::string& scope, const std::string& name);
  void forget_name(const std::string& scope, const std::string& name) {
    names_.erase(scope + name);
  }
  // What it has of the host's, also by way of others.
  void mounted(const std::string& id, const domain::ContainerCreated& created);
  // A repeat counts once.
  void connected(const std::string& id, const domain::Endpoint& to);

  // As dockerd resolves a reference to a container: id, name, then a prefix of an id that only one
  // container has (moby: daemon/container.go, GetContainer). Empty: not known.
  std::string find(const std::string& scope, const std::string& reference) const;
  // In the order in which it did.
  std::vector<domain::Endpoint> reached(const std::string& id) const;
  // "source:target[:options]", sources of the host only. Null: not known, or not all of them.
  const std::vector<std::string>* mounts(const std::string& id) const;
  // Destinations beyond kMaxReached, of one container.
  std::uint64_t refused(const std::string& id) const;

 private:
  struct Entry {
    std::string name;  // behind its scope
    std::vector<domain::Endpoint> reached;
    std::uint64_t refused = 0;
    std::optional<std::vector<std::string>> mounts = {};
  };
  Entry& entry(const std::string& id);
  std::map<std::string, Entry> table_;
  std::map<std::string, std::string> names_;  // to id
  std::deque<std::string> order_;             // oldest first
};

}  // namespace kilnwatch::tracker
