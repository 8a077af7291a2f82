#include "baseline/catalog.h"

#include "baseline/key.h"

namespace kilnwatch::baseline {
namespace {

std::uint64_t number_of(Scope scope) { return static_cast<std::uint64_t>(scope); }

}  // namespace

base::Result<std::vector<Entry>> Catalog::page(const Entry& after) {
  auto query = database_->prepare(
      "SELECT key, first, last, count, build FROM destinations WHERE scope = ?1 AND key > ?2"
      " ORDER BY key LIMIT ?3");
  if (!query) return query.error();
  query->bind(1, number_of(after.scope)).bind(2, after.key).bind(3, kPage);
  std::vector<Entry> out;
  for (;;) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return out;
    out.push_back({after.scope, query->text(0), query->number(1), query->number(2),
                   static_cast<std::uint32_t>(query->number(3)), query->text(4)});
  }
}

base::Status Catalog::each(std::optional<Scope> scope,
                           const std::function<base::Status(const Entry&)>& take) {
  for (const Scope one : kScopes) {
    if (scope && one != *scope) continue;
    Entry after{one, {}, 0, 0, 0, {}};
    for (bool more = true; more;) {
      const auto entries = page(after);
      if (!entries) return entries.error();
      for (const Entry& entry : *entries) {
        if (auto done = take(entry); !done) return done;
      }
      more = entries->size() == kPage;
      if (more) after = entries->back();
    }
  }
  return base::Done{};
}

base::Status Catalog::has_room() {
  auto query = database_->prepare("SELECT count(*) FROM destinations WHERE scope = ?");
  if (!query) return query.error();
  for (const Scope scope : kScopes) {
    const auto row = query->bind(1, number_of(scope)).step();
    if (!row) return row.error();
    const auto keys = query->number(0);
    query->reset();
    if (keys <= kMaxKeys) continue;
    return base::Error{base::ErrorClass::kUsage,
                       "the baseline has room for " + std::to_string(kMaxKeys) +
                           " destinations of scope " + name_of(scope) + ", and these would be " +
                           std::to_string(keys) + "; nothing was changed: add fewer"};
  }
  return base::Done{};
}

base::Result<std::uint64_t> Catalog::add(const Next& next) {
  auto change = Transaction::begin(*database_);
  if (!change) return change.error();
  auto insert = database_->prepare(
      "INSERT INTO destinations VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET"
      " first = min(first, excluded.first), last = max(last, excluded.last),"
      " count = max(count, excluded.count), build = iif(build = '', excluded.build, build)");
  if (!insert) return insert.error();
  std::uint64_t taken = 0;
  for (;; ++taken) {
    const auto entry = next();
    if (!entry) return entry.error();
    if (!*entry) break;
    const Entry& one = **entry;
    insert->bind(1, number_of(one.scope)).bind(2, one.key).bind(3, one.first).bind(4, one.last);
    if (auto done = insert->bind(5, one.count).bind(6, one.build).run(); !done) return done.error();
  }
  if (auto room = has_room(); !room) return room.error();
  if (auto done = change->commit(); !done) return done.error();
  return taken;
}

base::Result<std::uint64_t> Catalog::forget(const std::string& key, std::optional<Scope> scope) {
  auto change = Transaction::begin(*database_);
  if (!change) return change.error();
  auto remove = database_->prepare("DELETE FROM destinations WHERE scope = ? AND key = ?");
  if (!remove) return remove.error();
  std::uint64_t gone = 0;
  for (const Scope one : kScopes) {
    if (scope && one != *scope) continue;
    if (auto done = remove->bind(1, number_of(one)).bind(2, key).run(); !done) return done.error();
    const auto changes = database_->number("SELECT changes()");
    if (!changes) return changes.error();
    gone += *changes;
  }
  if (auto done = change->commit(); !done) return done.error();
  return gone;
}

base::Result<Stats> Catalog::stats() {
  Stats out;
  const auto created = database_->number("SELECT value FROM facts WHERE name = 'created'");
  if (!created) return created.error();
  if (*created != 0) out.created = *created;
  auto query = database_->prepare(
      "SELECT count(*), ifnull(min(first), 0), ifnull(max(last), 0) FROM destinations"
      " WHERE scope = ?");
  if (!query) return query.error();
  for (const Scope scope : kScopes) {
    const auto row = query->bind(1, number_of(scope)).step();
    if (!row) return row.error();
    out.scopes.push_back({scope, query->number(0), query->number(1), query->number(2)});
    query->reset();
  }
  const auto pages = database_->number("PRAGMA page_count");
  const auto size = database_->number("PRAGMA page_size");
  if (!pages) return pages.error();
  if (!size) return size.error();
  out.bytes = *pages * *size;
  return out;
}

}  // namespace kilnwatch::baseline
