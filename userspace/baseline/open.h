// The baseline's database in the state directory: found or made, checked, moved on from the text
// file of earlier versions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "baseline/sqlite.h"
#include "baseline/store.h"

namespace kilnwatch::baseline {

inline constexpr const char* kFile = "baseline.db";
inline constexpr const char* kAside = ".damaged";              // behind the name of a damaged file
inline constexpr const char* kTextFile = "seen-destinations";  // of versions before the database
inline constexpr const char* kMigrated = ".migrated";          // behind its name, once it is read

enum class Damage : std::uint8_t {
  kSetAside,  // a fresh one takes its place
  kRefuse     // an error
};

struct Opened {
  std::unique_ptr<Database> database;
  std::vector<std::string> notes;  // what a user should know of it: sentences
};

struct Opening {
  std::string folder;  // the state directory; it is there
  Seconds now = 0;     // a new one is created then; 0: with its first sighting
  Damage damage = Damage::kRefuse;
  bool make = true;  // false: that there is none is an error
};

// kEnvironment: cannot be opened or made, is no regular file, is damaged, or of a later version.
base::Result<Opened> open_database(const Opening& opening);

// migrate.cpp: what the text file holds is known to builds from now on; the file is renamed.
// Nothing when there is none. `now`: when its destinations count as seen.
base::Status migrate(Database& database, const std::string& folder, Seconds now,
                     std::vector<std::string>& notes);

}  // namespace kilnwatch::baseline
