// The baseline of a host, in SQLite. What is new is known at once and written with the next
// settle(); what is known and seen again is written now and then. Other processes may change the
// database at any time: what they do counts from then on. One thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "baseline/sqlite.h"
#include "baseline/store.h"

namespace kilnwatch::baseline {

// Destinations that wait to be written, of each kind: more than a round of work meets.
inline constexpr std::size_t kMaxWaiting = 16'384;
inline constexpr std::uint64_t kRewriteNs = 60'000'000'000;  // between two times a known one is
inline constexpr std::uint64_t kRetryNs = 1'000'000'000;     // after a write that failed
inline constexpr Seconds kPurgeEvery = 3600;                 // a full scope is looked through

class SqliteStore final : public Store {
 public:
  // `database`: as open_database() gives it.
  static base::Result<std::unique_ptr<SqliteStore>> make(std::unique_ptr<Database> database);
  ~SqliteStore() override { finish(); }

  bool meet(const Sighting& sighting) override;
  bool knows(Scope scope, const std::string& key, Seconds now) override;
  std::optional<Seconds> created() const override { return created_; }
  void settle(std::uint64_t now_ns) override;
  // The number that this database is known by among others, `fresh` if it has none. Below 2^63.
  base::Result<std::uint64_t> sensor(std::uint64_t fresh);
  // Writes all that waits, and has patience for it.
  void finish();

  // Destinations and times that are known to this run only.
  std::size_t unwritten() const { return fresh_.size() + repeats_.size(); }
  // No room, or too long: told as new each time.
  std::size_t refused() const { return refused_; }
  std::size_t uncounted() const { return uncounted_; }        // sightings whose time is not kept
  std::size_t read_errors() const { return read_errors_; }    // taken for new
  std::size_t write_errors() const { return write_errors_; }  // attempts; what waits stays
  const std::string& last_error() const { return last_error_; }

 private:
  using Name = std::pair<Scope, std::string>;
  struct Again {
    Seconds last = 0;
    std::uint64_t times = 0;
  };
  explicit SqliteStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  base::Status prepare();
  std::optional<Seconds> last_of(const Name& name);
  void note_again(const Name& name, Seconds time);
  bool is_full(Scope scope, Seconds now);
  base::Status count_rows();
  base::Status write();
  base::Status write_rows();

  std::unique_ptr<Database> database_;
  Statement find_, insert_, again_, create_, purge_;
  std::optional<Seconds> created_;
  bool created_waits_ = false;
  std::map<Name, Entry> fresh_;
  std::map<Name, Again> repeats_;
  std::array<std::uint64_t, kScopes.size()> rows_{};
  std::array<std::size_t, kScopes.size()> fresh_rows_{};
  std::uint64_t others_ = 0;  // changes when another connection wrote (PRAGMA data_version)
  std::optional<Seconds> purged_;
  std::uint64_t repeats_due_ = 0;
  std::uint64_t retry_at_ = 0;
  std::size_t refused_ = 0, uncounted_ = 0, read_errors_ = 0, write_errors_ = 0;
  std::string last_error_;
};

}  // namespace kilnwatch::baseline
