// SQLite with owners and Results; sqlite.cpp is the only file that knows the library.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kilnwatch::baseline {

class Database;

// A prepared statement; the database outlives it.
class Statement {
 public:
  // Places count from 1. The text is copied.
  Statement& bind(int place, std::string_view text);
  Statement& bind(int place, std::uint64_t number);
  // True: there is a row. False: no (further) one; the statement is ready to be used again.
  base::Result<bool> step();
  // Without rows that count.
  base::Status run();
  // Columns of the row, from 0.
  std::string text(int column) const;
  std::uint64_t number(int column) const;

  // Ready to be used again, whatever came of it.
  void reset();

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  const Database* of_ = nullptr;
};

// Errors are kEnvironment: "PATH: what the library says".
class Database {
 public:
  // The file is there. `patience`: how long somebody else's lock is waited for.
  static base::Result<std::unique_ptr<Database>> open(const std::string& path,
                                                      unsigned patience_ms);

  base::Status execute(const char* sql);
  base::Result<Statement> prepare(const char* sql);
  // The number in the first row of a query.
  base::Result<std::uint64_t> number(const char* sql);
  void set_patience(unsigned ms);

  // What failed last did so because the file's content is damaged, or is no database.
  bool damaged() const;
  const std::string& path() const { return path_; }
  base::Error error() const;

 private:
  explicit Database(std::string path) : path_(std::move(path)) {}
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
};

// One transaction for writing: rolled back unless it was committed.
class Transaction {
 public:
  static base::Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  base::Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;  // null: over
};

}  // namespace kilnwatch::baseline
