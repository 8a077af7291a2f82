#include "baseline/sqlite.h"

#include <sqlite3.h>

#include <utility>

namespace kilnwatch::baseline {

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  ::sqlite3_finalize(statement);
}

Statement& Statement::bind(int place, std::string_view text) {
  ::sqlite3_bind_text64(statement_.get(), place, text.data(), text.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int place, std::uint64_t number) {
  ::sqlite3_bind_int64(statement_.get(), place, static_cast<sqlite3_int64>(number));
  return *this;
}

base::Result<bool> Statement::step() {
  const int result = ::sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) {
    const auto error = of_->error();
    reset();
    return error;
  }
  reset();
  return false;
}

base::Status Statement::run() {
  const auto result = step();
  if (!result) return result.error();
  reset();
  return base::Done{};
}

std::string Statement::text(int column) const {
  const auto* text = ::sqlite3_column_text(statement_.get(), column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(::sqlite3_column_bytes(statement_.get(), column))};
}

std::uint64_t Statement::number(int column) const {
  return static_cast<std::uint64_t>(::sqlite3_column_int64(statement_.get(), column));
}

void Statement::reset() { ::sqlite3_reset(statement_.get()); }

void Database::Close::operator()(sqlite3* database) const { ::sqlite3_close_v2(database); }

base::Result<std::unique_ptr<Database>> Database::open(const std::string& path,
                                                       unsigned patience_ms) {
  std::unique_ptr<Database> out(new Database(path));
  sqlite3* handle = nullptr;
  const int result = ::sqlite3_open_v2(path.c_str(), &handle,
                                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  out->database_.reset(handle);
  if (result != SQLITE_OK) return out->error();
  ::sqlite3_extended_result_codes(handle, 1);
  out->set_patience(patience_ms);
  return out;
}

base::Error Database::error() const {
  const char* text = database_ ? ::sqlite3_errmsg(database_.get()) : "out of memory";
  const int code = database_ ? ::sqlite3_errcode(database_.get()) & 0xff : SQLITE_NOMEM;
  const bool taken = code == SQLITE_BUSY;
  return {base::ErrorClass::kEnvironment,
          path_ + ": " + text + (taken ? "; another program writes it: try again" : "")};
}

bool Database::damaged() const {
  const int code = ::sqlite3_errcode(database_.get()) & 0xff;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

void Database::set_patience(unsigned ms) {
  ::sqlite3_busy_timeout(database_.get(), static_cast<int>(ms));
}

base::Status Database::execute(const char* sql) {
  if (::sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error();
  return base::Done{};
}

base::Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* handle = nullptr;
  const int result =
      ::sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  Statement out;
  out.statement_.reset(handle);
  out.of_ = this;
  if (result != SQLITE_OK) return error();
  return out;
}

base::Result<std::uint64_t> Database::number(const char* sql) {
  auto query = prepare(sql);
  if (!query) return query.error();
  const auto row = query->step();
  if (!row) return row.error();
  return *row ? query->number(0) : std::uint64_t{0};
}

base::Result<Transaction> Transaction::begin(Database& database) {
  if (auto begun = database.execute("BEGIN IMMEDIATE"); !begun) return begun.error();
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

base::Status Transaction::commit() {
  auto done = database_->execute("COMMIT");
  if (done) database_ = nullptr;
  return done;
}

}  // namespace kilnwatch::baseline
