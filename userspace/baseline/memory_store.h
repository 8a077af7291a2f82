// A baseline that ends with the program.
#pragma once

#include <map>

#include "baseline/store.h"

namespace kilnwatch::baseline {

class MemoryStore final : public Store {
 public:
  bool meet(const Sighting& sighting) override;
  bool knows(Scope scope, const std::string& key, Seconds now) override;
  // The time of the first sighting.
  std::optional<Seconds> created() const override { return created_; }
  std::size_t refused() const { return refused_; }  // no room: told as new each time

 private:
  std::array<std::map<std::string, Seconds>, kScopes.size()> last_;  // by scope, by key
  std::optional<Seconds> created_;
  std::size_t refused_ = 0;
};

}  // namespace kilnwatch::baseline
