#include "baseline/sqlite_store.h"

#include <algorithm>
#include <limits>

namespace kilnwatch::baseline {
namespace {

constexpr std::uint64_t kMaxCount = std::numeric_limits<std::uint32_t>::max();
// The pipeline waits no longer for somebody else's transaction: what cannot be written now waits.
constexpr unsigned kPatienceMs = 20;
constexpr unsigned kLastPatienceMs = 2000;

constexpr const char* kFind = "SELECT last FROM destinations WHERE scope = ? AND key = ?";
// One that is there is over, or was added by another process meanwhile.
constexpr const char* kInsert =
    "INSERT INTO destinations VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET"
    " first = excluded.first, last = max(last, excluded.last), count = excluded.count,"
    " build = excluded.build";
// No row: it was forgotten meanwhile, and stays so.
constexpr const char* kAgain =
    "UPDATE destinations SET last = max(last, ?3), count = min(count + ?4, 4294967295)"
    " WHERE scope = ?1 AND key = ?2";
constexpr const char* kCreate = "INSERT OR IGNORE INTO facts VALUES ('created', ?)";
constexpr const char* kPurge = "DELETE FROM destinations WHERE scope = ? AND last < ?";

std::uint64_t number_of(Scope scope) { return static_cast<std::uint64_t>(scope); }
std::size_t place_of(Scope scope) { return static_cast<std::size_t>(scope); }

}  // namespace

base::Result<std::unique_ptr<SqliteStore>> SqliteStore::make(std::unique_ptr<Database> database) {
  std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(database)));
  if (auto ready = store->prepare(); !ready) return ready.error();
  return store;
}

base::Status SqliteStore::prepare() {
  for (const auto& [statement, sql] : {std::pair{&find_, kFind},
                                       {&insert_, kInsert},
                                       {&again_, kAgain},
                                       {&create_, kCreate},
                                       {&purge_, kPurge}}) {
    auto prepared = database_->prepare(sql);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  const auto created = database_->number("SELECT value FROM facts WHERE name = 'created'");
  if (!created) return created.error();
  if (*created != 0) created_ = *created;
  if (auto counted = count_rows(); !counted) return counted.error();
  database_->set_patience(kPatienceMs);
  return base::Done{};
}

std::optional<Seconds> SqliteStore::last_of(const Name& name) {
  const auto row = find_.bind(1, number_of(name.first)).bind(2, name.second).step();
  if (!row) {
    ++read_errors_;
    last_error_ = row.error().message;
    return std::nullopt;
  }
  if (!*row) return std::nullopt;
  Seconds last = find_.number(0);
  find_.reset();
  if (const auto again = repeats_.find(name); again != repeats_.end())
    last = std::max(last, again->second.last);
  return last;
}

bool SqliteStore::meet(const Sighting& sighting) {
  if (!created_) {
    created_ = sighting.time;
    created_waits_ = true;
  }
  const Name name(sighting.scope, sighting.key);
  if (const auto found = fresh_.find(name); found != fresh_.end()) {
    Entry& entry = found->second;
    const bool over = is_over(entry.last, sighting.time);
    entry.last = std::max(entry.last, sighting.time);
    if (entry.count < kMaxCount) ++entry.count;
    return over;
  }
  const auto last = last_of(name);
  if (last && !is_over(*last, sighting.time)) {
    note_again(name, sighting.time);
    return false;
  }
  const bool crowded =
      fresh_.size() >= kMaxWaiting || (!last && is_full(sighting.scope, sighting.time));
  if (crowded || sighting.key.empty() || sighting.key.size() > kMaxKey) {
    ++refused_;
    return true;
  }
  repeats_.erase(name);
  fresh_.emplace(name, Entry{sighting.scope, sighting.key, sighting.time, sighting.time, 1,
                             sighting.build.substr(0, kMaxBuildId)});
  if (!last) ++fresh_rows_[place_of(sighting.scope)];
  return true;
}

bool SqliteStore::knows(Scope scope, const std::string& key, Seconds now) {
  const Name name(scope, key);
  const auto found = fresh_.find(name);
  const auto last = found != fresh_.end() ? found->second.last : last_of(name);
  return last && !is_over(*last, now);
}

void SqliteStore::note_again(const Name& name, Seconds time) {
  const auto found = repeats_.find(name);
  if (found == repeats_.end() && repeats_.size() >= kMaxWaiting) {
    ++uncounted_;
    return;
  }
  Again& again = found != repeats_.end() ? found->second : repeats_[name];
  again.last = std::max(again.last, time);
  ++again.times;
}

// Where there is no room, what is over makes some, now and then.
bool SqliteStore::is_full(Scope scope, Seconds now) {
  const std::size_t at = place_of(scope);
  const auto full = [&] { return rows_[at] + fresh_rows_[at] >= kMaxKeys; };
  if (!full()) return false;
  const auto others = database_->number("PRAGMA data_version");
  if (others && *others != others_ && count_rows() && !full()) return false;
  if (purged_ && now < *purged_ + kPurgeEvery) return true;
  if (purge_.bind(1, number_of(scope)).bind(2, oldest_kept(now)).run()) {
    purged_ = now;
    (void)count_rows();
  } else {
    ++write_errors_;  // the next destination tries again
  }
  return full();
}

base::Status SqliteStore::count_rows() {
  const auto others = database_->number("PRAGMA data_version");
  if (!others) return others.error();
  auto count = database_->prepare("SELECT count(*) FROM destinations WHERE scope = ?");
  if (!count) return count.error();
  for (const Scope scope : kScopes) {
    const auto row = count->bind(1, number_of(scope)).step();
    if (!row) return row.error();
    rows_[place_of(scope)] = count->number(0);
    count->reset();
  }
  others_ = *others;
  return base::Done{};
}

base::Status SqliteStore::write_rows() {
  if (created_waits_) {
    if (auto done = create_.bind(1, *created_).run(); !done) return done;
  }
  for (const auto& [name, entry] : fresh_) {
    insert_.bind(1, number_of(name.first)).bind(2, name.second).bind(3, entry.first);
    if (auto done = insert_.bind(4, entry.last).bind(5, entry.count).bind(6, entry.build).run();
        !done)
      return done;
  }
  for (const auto& [name, again] : repeats_) {
    again_.bind(1, number_of(name.first)).bind(2, name.second).bind(3, again.last);
    if (auto done = again_.bind(4, again.times).run(); !done) return done;
  }
  return base::Done{};
}

base::Status SqliteStore::write() {
  auto change = Transaction::begin(*database_);
  if (!change) return change.error();
  if (auto rows = write_rows(); !rows) return rows;
  return change->commit();
}

void SqliteStore::settle(std::uint64_t now_ns) {
  if (now_ns != 0 && now_ns < retry_at_) return;  // 0: no clock runs
  const bool repeats = !repeats_.empty() && now_ns >= repeats_due_;
  const bool crowded = repeats_.size() >= kMaxWaiting;
  if (fresh_.empty() && !created_waits_ && !repeats && !crowded) return;
  if (auto written = write(); !written) {
    ++write_errors_;
    last_error_ = written.error().message;
    retry_at_ = now_ns + kRetryNs;
    return;
  }
  for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i] += std::exchange(fresh_rows_[i], 0);
  fresh_.clear();
  repeats_.clear();
  created_waits_ = false;
  repeats_due_ = now_ns + kRewriteNs;
}

base::Result<std::uint64_t> SqliteStore::sensor(std::uint64_t fresh) {
  auto insert = database_->prepare("INSERT OR IGNORE INTO facts VALUES ('sensor', ?)");
  if (!insert) return insert.error();
  if (auto done = insert->bind(1, fresh).run(); !done) return done.error();
  return database_->number("SELECT value FROM facts WHERE name = 'sensor'");
}

void SqliteStore::finish() {
  if (fresh_.empty() && repeats_.empty() && !created_waits_) return;
  database_->set_patience(kLastPatienceMs);
  retry_at_ = 0;
  settle(std::numeric_limits<std::uint64_t>::max() - kRewriteNs);
  database_->set_patience(kPatienceMs);
}

}  // namespace kilnwatch::baseline
