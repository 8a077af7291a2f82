// The text file of versions before the database: a line for each destination.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>

#include "baseline/key.h"
#include "baseline/open.h"

namespace kilnwatch::baseline {
namespace {

struct Lines {
  std::size_t taken = 0;
  std::size_t damaged = 0;  // not understood
  std::size_t crowded = 0;  // beyond kMaxKeys
};

base::Result<Lines> take(Database& database, std::istream& in, Seconds now) {
  auto change = Transaction::begin(database);
  if (!change) return change.error();
  auto insert = database.prepare("INSERT OR IGNORE INTO destinations VALUES (?, ?, ?, ?, 1, '')");
  if (!insert) return insert.error();
  Lines lines;
  std::array<char, kMaxKey + 2> line{};  // a newline and an end
  while (in.getline(line.data(), line.size()) || in.gcount() > 0) {
    const bool cut = in.fail();
    if (cut) {
      in.clear();
      in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    const std::string key(line.data());
    // One without a newline was written in part, and may be a part of another key.
    if (cut || in.eof() || !split_key(key)) {
      ++lines.damaged;
    } else if (lines.taken >= kMaxKeys) {
      ++lines.crowded;
    } else {
      insert->bind(1, static_cast<std::uint64_t>(Scope::kBuilds)).bind(2, key);
      if (auto done = insert->bind(3, now).bind(4, now).run(); !done) return done.error();
      ++lines.taken;
    }
  }
  if (auto done = change->commit(); !done) return done.error();
  return lines;
}

}  // namespace

base::Status migrate(Database& database, const std::string& folder, Seconds now,
                     std::vector<std::string>& notes) {
  const std::string file = folder + "/" + kTextFile;
  if (now == 0 || ::access(file.c_str(), F_OK) != 0) return base::Done{};
  std::ifstream in(file);
  if (!in) {
    return base::Error{base::ErrorClass::kEnvironment,
                       file + " cannot be read (" + std::strerror(errno) +
                           "); `chown` it, or move it away: its destinations then count as new"};
  }
  const auto lines = take(database, in, now);
  if (!lines) return lines.error();
  // Another process may have done the same at the same time.
  if (::rename(file.c_str(), (file + kMigrated).c_str()) != 0 && errno != ENOENT) {
    return base::Error{
        base::ErrorClass::kEnvironment,
        file + " was read, and cannot be renamed (" + std::strerror(errno) + "); move it away"};
  }
  notes.push_back(std::to_string(lines->taken) + " destinations of " + file +
                  " are in the baseline now, and it is renamed to " + kTextFile + kMigrated);
  if (lines->damaged + lines->crowded > 0) {
    notes.push_back(std::to_string(lines->damaged) + " lines of it were not understood, " +
                    std::to_string(lines->crowded) + " had no room: they are left out");
  }
  return base::Done{};
}

}  // namespace kilnwatch::baseline
