// What people see and change.
#include "baseline/catalog.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "baseline/open.h"
#include "harness/temp_dir.h"

using namespace kilnwatch;
using baseline::Catalog;
using baseline::Entry;
using baseline::Scope;

namespace {

Catalog catalog_in(const test::TempDir& folder) {
  auto opened =
      baseline::open_database({folder.path().string(), 7, baseline::Damage::kRefuse, true});
  if (!opened) FAIL(opened.error().message);
  return Catalog(std::move(opened->database));
}

base::Result<std::uint64_t> add(Catalog& catalog, const std::vector<Entry>& entries,
                                std::size_t fails_at = ~std::size_t{0}) {
  std::size_t at = 0;
  return catalog.add([&]() -> base::Result<std::optional<Entry>> {
    if (at == fails_at) return base::Error{base::ErrorClass::kInput, "line 3"};
    if (at == entries.size()) return std::optional<Entry>();
    return std::optional(entries[at++]);
  });
}

std::vector<Entry> all(Catalog& catalog, std::optional<Scope> scope = {}) {
  std::vector<Entry> out;
  CHECK(catalog.each(scope, [&](const Entry& entry) -> base::Status {
    out.push_back(entry);
    return base::Done{};
  }));
  return out;
}

}  // namespace

TEST_CASE("Entries come in the order of scopes and keys, over any number of pages") {
  const test::TempDir folder;
  Catalog catalog = catalog_in(folder);
  CHECK(all(catalog).empty());
  std::vector<Entry> many;
  for (std::size_t i = 0; i < 2 * baseline::kPage; ++i)
    many.push_back(
        {i % 2 == 0 ? Scope::kHost : Scope::kBuilds, std::to_string(i) + " 1", 1, 2, 3, "b"});
  many.push_back({Scope::kHost, "x 1", 4, 5, 6, "c"});
  REQUIRE(*add(catalog, many) == many.size());
  const auto found = all(catalog);
  REQUIRE(found.size() == many.size());
  CHECK(std::is_sorted(found.begin(), found.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.scope, a.key) < std::pair(b.scope, b.key);
  }));
  const Entry& last = found.back();
  CHECK(last.key == "x 1");
  CHECK((last.first == 4 && last.last == 5 && last.count == 6 && last.build == "c"));
  CHECK(all(catalog, Scope::kBuilds).size() == baseline::kPage);
  CHECK(all(catalog, Scope::kHost).size() == baseline::kPage + 1);
  // The reader's error ends it.
  const auto ended = catalog.each({}, [](const Entry&) -> base::Status {
    return base::Error{base::ErrorClass::kOther, "gone"};
  });
  CHECK(ended.error().message == "gone");
}

TEST_CASE("Adding what is there widens it, twice as well as once") {
  const test::TempDir folder;
  Catalog catalog = catalog_in(folder);
  REQUIRE(add(catalog, {{Scope::kBuilds, "a 1", 10, 20, 3, ""}}));
  for (int i = 0; i < 2; ++i) {
    REQUIRE(add(catalog, {{Scope::kBuilds, "a 1", 5, 15, 9, "b"}}));
    const auto found = all(catalog);
    REQUIRE(found.size() == 1);
    CHECK(found[0].first == 5);
    CHECK(found[0].last == 20);
    CHECK(found[0].count == 9);
    CHECK(found[0].build == "b");
  }
}

TEST_CASE("A part is never added") {
  const test::TempDir folder;
  Catalog catalog = catalog_in(folder);
  const auto failed = add(catalog, {{Scope::kBuilds, "a 1", 1, 1, 1, ""}, {}}, 1);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message == "line 3");
  CHECK(all(catalog).empty());
}

TEST_CASE("What is forgotten is gone from one scope or from all") {
  const test::TempDir folder;
  Catalog catalog = catalog_in(folder);
  const std::vector<Entry> both = {{Scope::kBuilds, "a 1", 1, 1, 1, ""},
                                   {Scope::kHost, "a 1", 1, 1, 1, ""},
                                   {Scope::kHost, "a 1 x", 1, 1, 1, ""}};
  REQUIRE(add(catalog, both));
  CHECK(*catalog.forget("a 1", Scope::kHost) == 1);
  CHECK(*catalog.forget("a 1", Scope::kHost) == 0);
  CHECK(all(catalog).size() == 2);
  REQUIRE(add(catalog, both));
  CHECK(*catalog.forget("a 1", {}) == 2);
  REQUIRE(all(catalog).size() == 1);
  CHECK(all(catalog)[0].key == "a 1 x");
}

TEST_CASE("Figures") {
  const test::TempDir folder;
  Catalog catalog = catalog_in(folder);
  auto stats = catalog.stats();
  REQUIRE(stats);
  CHECK(stats->created == 7);
  CHECK(stats->bytes > 0);
  REQUIRE(stats->scopes.size() == 2);
  CHECK((stats->scopes[0].keys == 0 && stats->scopes[0].last == 0));
  REQUIRE(add(catalog, {{Scope::kHost, "a 1", 3, 9, 1, ""}, {Scope::kHost, "b 1", 2, 8, 1, ""}}));
  stats = catalog.stats();
  CHECK((stats->scopes[1].keys == 2 && stats->scopes[1].first == 2 && stats->scopes[1].last == 9));
}
