// What a baseline holds, to be looked at and changed by people, also while a sensor uses it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "baseline/sqlite.h"
#include "baseline/store.h"

namespace kilnwatch::baseline {

inline constexpr std::size_t kPage = 1000;  // entries read at a time: nobody's change waits for it

struct ScopeStats {
  Scope scope = Scope::kBuilds;
  std::uint64_t keys = 0;
  Seconds first = 0;  // of the oldest; 0: there is none
  Seconds last = 0;   // of the latest
};

struct Stats {
  std::optional<Seconds> created;
  std::vector<ScopeStats> scopes;
  std::uint64_t bytes = 0;  // of the database, its log not counted
};

class Catalog {
 public:
  explicit Catalog(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  // Each entry in the order of scopes and keys, of one scope or of all. Ends with the first error.
  base::Status each(std::optional<Scope> scope,
                    const std::function<base::Status(const Entry&)>& take);

  // One call is one transaction: all of it, or nothing. An entry that is there has the earlier
  // first time, the later last one and the greater count from then on.
  // `next`: nothing at the end. kUsage: no room.
  using Next = std::function<base::Result<std::optional<Entry>>()>;
  base::Result<std::uint64_t> add(const Next& next);
  // How many there were. No scope: of all.
  base::Result<std::uint64_t> forget(const std::string& key, std::optional<Scope> scope);

  base::Result<Stats> stats();

 private:
  base::Result<std::vector<Entry>> page(const Entry& after);
  base::Status has_room();
  std::unique_ptr<Database> database_;
};

}  // namespace kilnwatch::baseline
