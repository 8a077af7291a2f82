#include "baseline/open.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <variant>

#include "base/fd.h"

namespace kilnwatch::baseline {
namespace {

constexpr std::uint64_t kApplication = 0x4b'57'42'4c;  // "KWBL": the file says what it is
constexpr std::uint64_t kVersion = 1;                  // of the tables
// How long a command, or the start of a sensor, waits for somebody else's transaction.
constexpr unsigned kPatienceMs = 5000;

// The key alone finds a row: one tree, no index beside it.
constexpr const char* kTables =
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS destinations (scope INTEGER NOT NULL, key TEXT NOT NULL,"
    " first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL, build TEXT NOT NULL,"
    " PRIMARY KEY (scope, key)) WITHOUT ROWID;"
    "PRAGMA application_id = 1264009804;"
    "PRAGMA user_version = 1;";
static_assert(kApplication == 1264009804);

// Write-ahead log: who reads never waits for who writes. Of a commit nothing is forced to the disk
// (synchronous NORMAL: only when the log is moved into the file): after a loss of power the last
// ones may be missing, and the file is whole.
constexpr const char* kSettings =
    "PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;";

base::Error unusable(const std::string& path, const std::string& why) {
  return {base::ErrorClass::kEnvironment, path + ": " + why};
}

// Made for its owner alone, before the library would make it for others, too.
base::Status make_file(const std::string& path, bool make) {
  const base::Fd fd(::open(
      path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (make ? O_CREAT : 0), 0600));
  if (!fd && !make && errno == ENOENT) {
    return unusable(path, "there is no baseline; `run` makes one, or name another --state-dir");
  }
  if (!fd)
    return unusable(path, std::string(std::strerror(errno)) + "; name a writable --state-dir");
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return unusable(path, "not a regular file; name another --state-dir");
  if ((info.st_mode & 0077) != 0 && ::fchmod(fd.get(), 0600) != 0)
    return unusable(path, "can be read or written by others; `chmod 600` it");
  return base::Done{};
}

// Without a log, too: nothing of a commit that is only there is lost.
bool is_empty(const std::string& path) {
  struct stat file {
  }, log{};
  const bool logged = ::stat((path + "-wal").c_str(), &log) == 0 && log.st_size > 0;
  return ::stat(path.c_str(), &file) == 0 && file.st_size == 0 && !logged;
}

struct Verdict {
  bool damaged = false;  // else: something else is in the way
  base::Error error;
};
using Checked = std::variant<std::unique_ptr<Database>, Verdict>;

Verdict failed(const Database& database) { return {database.damaged(), database.error()}; }

Verdict foreign(const std::string& path, const std::string& why) {
  return {true, unusable(path, why)};
}

Checked check(const std::string& path, Seconds created) {
  auto opened = Database::open(path, kPatienceMs);
  if (!opened) return Verdict{false, opened.error()};
  Database& db = **opened;
  if (!db.execute(kSettings)) return failed(db);
  // In one view: another sensor may make the tables meanwhile.
  if (!db.execute("BEGIN")) return failed(db);
  const auto application = db.number("PRAGMA application_id");
  if (!application) return failed(db);
  const auto version = db.number("PRAGMA user_version");
  const auto tables = db.number("SELECT count(*) FROM sqlite_schema");
  if (!version || !tables || !db.execute("COMMIT")) return failed(db);
  if (*tables == 0 && *application == 0) {
    auto change = Transaction::begin(db);
    if (!change || !db.execute(kTables)) return failed(db);
    if (created != 0) {
      auto insert = db.prepare("INSERT OR IGNORE INTO facts VALUES ('created', ?)");
      if (!insert || !insert->bind(1, created).run()) return failed(db);
    }
    if (!change->commit()) return failed(db);
    return std::move(*opened);
  }
  if (*application != kApplication) return foreign(path, "is a database of something else");
  if (*version > kVersion) {
    return Verdict{false, unusable(path,
                                   "was made by a later version of kilnwatch; run that one, "
                                   "or name another --state-dir")};
  }
  auto look = db.prepare("PRAGMA quick_check(1)");
  if (!look) return failed(db);
  const auto row = look->step();
  if (!row) return failed(db);
  if (const std::string found = look->text(0); found != "ok") return foreign(path, found);
  look->reset();
  // A file that is whole may still lack what is needed.
  if (!db.prepare("SELECT scope, key, first, last, count, build FROM destinations") ||
      !db.prepare("SELECT name, value FROM facts"))
    return foreign(path, "lacks tables of a baseline");
  return std::move(*opened);
}

// The file and its log; one that was set aside before goes.
base::Status set_aside(const std::string& path) {
  for (const char* part : {"-shm", "-wal", ""}) {
    const std::string from = path + part;
    const std::string to = path + kAside + part;
    if (::rename(from.c_str(), to.c_str()) == 0 || errno == ENOENT) continue;
    return unusable(path, std::string("is damaged and cannot be set aside (") +
                              std::strerror(errno) + "); move it away");
  }
  return base::Done{};
}

}  // namespace

base::Result<Opened> open_database(const Opening& opening) {
  const std::string path = opening.folder + "/" + kFile;
  const bool text = ::access((opening.folder + "/" + kTextFile).c_str(), F_OK) == 0;
  Opened out;
  const bool empty = is_empty(path) && !text;
  if (auto made = make_file(path, opening.make || text); !made) return made.error();
  auto checked = check(path, opening.now);
  if (const auto* verdict = std::get_if<Verdict>(&checked);
      verdict != nullptr && verdict->damaged) {
    if (opening.damage == Damage::kRefuse) {
      return base::Error{base::ErrorClass::kEnvironment,
                         verdict->error.message +
                             "; the baseline is damaged: the next `run` sets it aside and begins "
                             "a new one, or move it away"};
    }
    if (auto aside = set_aside(path); !aside) return aside.error();
    out.notes.push_back(verdict->error.message + "; the damaged baseline is now " + kFile + kAside +
                        ", and a new one begins: destinations count as new again");
    if (auto made = make_file(path, true); !made) return made.error();
    checked = check(path, opening.now);
  }
  if (const auto* verdict = std::get_if<Verdict>(&checked)) {
    return base::Error{base::ErrorClass::kEnvironment,
                       verdict->error.message + " (the baseline could not be opened)"};
  }
  out.database = std::move(std::get<0>(checked));
  if (auto done = migrate(*out.database, opening.folder, opening.now, out.notes); !done)
    return done.error();
  if (empty)
    out.notes.push_back(path + " was empty: a new baseline begins, and destinations count as new");
  return out;
}

}  // namespace kilnwatch::baseline
