// New, known, over and new again: the same of every store; and what only the one on disk has.
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <string>

#include "baseline/catalog.h"
#include "baseline/memory_store.h"
#include "baseline/open.h"
#include "baseline/sqlite_store.h"
#include "harness/small_files.h"
#include "harness/temp_dir.h"

using namespace kilnwatch;
using baseline::Scope;
using baseline::Seconds;

namespace {

constexpr Seconds kNow = 1'800'000'000;
constexpr Seconds kDay = 86'400;
constexpr std::uint64_t kMinuteNs = 60'000'000'000;

std::unique_ptr<baseline::Database> database(const test::TempDir& folder, Seconds now = kNow) {
  auto opened =
      baseline::open_database({folder.path().string(), now, baseline::Damage::kRefuse, true});
  if (!opened) FAIL(opened.error().message);
  return std::move(opened->database);
}

std::unique_ptr<baseline::SqliteStore> store_in(const test::TempDir& folder, Seconds now = kNow) {
  auto store = baseline::SqliteStore::make(database(folder, now));
  if (!store) FAIL(store.error().message);
  return std::move(*store);
}

struct Memory {
  std::unique_ptr<baseline::MemoryStore> store = std::make_unique<baseline::MemoryStore>();
  baseline::Store& get() { return *store; }
};

// Nothing is written before the end.
struct Unwritten {
  test::TempDir folder;
  std::unique_ptr<baseline::SqliteStore> store = store_in(folder, 0);
  baseline::Store& get() { return *store; }
};

// Everything is, at once.
struct Written : Unwritten {
  baseline::Store& get() {
    store->settle(now += 2 * kMinuteNs);
    return *store;
  }
  std::uint64_t now = 0;
};

std::vector<baseline::Entry> entries(const test::TempDir& folder) {
  std::vector<baseline::Entry> out;
  baseline::Catalog catalog(database(folder));
  CHECK(catalog.each({}, [&](const baseline::Entry& entry) -> base::Status {
    out.push_back(entry);
    return base::Done{};
  }));
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE("A destination is new once, for each scope of its own", "", Memory, Unwritten,
                   Written) {
  TestType test;
  const auto meet = [&](Scope scope, const char* key) {
    return test.get().meet({scope, key, kNow, "b"});
  };
  const auto knows = [&](Scope scope, const char* key) {
    return test.get().knows(scope, key, kNow);
  };
  CHECK_FALSE(knows(Scope::kBuilds, "192.0.2.1 80"));
  CHECK(meet(Scope::kBuilds, "192.0.2.1 80"));
  CHECK_FALSE(meet(Scope::kBuilds, "192.0.2.1 80"));
  CHECK(knows(Scope::kBuilds, "192.0.2.1 80"));
  CHECK_FALSE(knows(Scope::kHost, "192.0.2.1 80"));
  CHECK(meet(Scope::kHost, "192.0.2.1 80"));
  CHECK(meet(Scope::kBuilds, "192.0.2.1 80 a.test"));
  CHECK(meet(Scope::kBuilds, "192.0.2.1 8"));
}

TEMPLATE_TEST_CASE("What was not seen for long is new again", "", Memory, Unwritten, Written) {
  TestType test;
  const auto meet = [&](Seconds time) {
    return test.get().meet({Scope::kBuilds, "a 1", time, ""});
  };
  CHECK(meet(kNow));
  CHECK_FALSE(meet(kNow + 30 * kDay));
  CHECK_FALSE(meet(kNow + 60 * kDay));  // since the last time, not the first
  CHECK(test.get().knows(Scope::kBuilds, "a 1", kNow + 90 * kDay));
  CHECK_FALSE(test.get().knows(Scope::kBuilds, "a 1", kNow + 90 * kDay + 1));
  CHECK(meet(kNow + 90 * kDay + 1));
  CHECK_FALSE(meet(kNow + 91 * kDay));
  CHECK_FALSE(meet(kNow));  // a clock that was set back
  test.get().expire_after(kDay);
  CHECK(meet(kNow + 92 * kDay + 1));
}

TEMPLATE_TEST_CASE("A store that was not told when it began began with its first sighting", "",
                   Memory, Unwritten, Written) {
  TestType test;
  CHECK_FALSE(test.get().created());
  test.get().meet({Scope::kHost, "a 1", kNow, ""});
  test.get().meet({Scope::kHost, "a 2", kNow + 5, ""});
  CHECK(test.get().created() == kNow);
}

TEMPLATE_TEST_CASE("A key that is too long is new each time", "", Memory, Unwritten) {
  TestType test;
  const std::string fits(baseline::kMaxKey, 'x'), longer(baseline::kMaxKey + 1, 'x');
  CHECK(test.get().meet({Scope::kBuilds, fits, kNow, ""}));
  CHECK_FALSE(test.get().meet({Scope::kBuilds, fits, kNow, ""}));
  CHECK(test.get().meet({Scope::kBuilds, longer, kNow, ""}));
  CHECK(test.get().meet({Scope::kBuilds, longer, kNow, ""}));
  CHECK(test.store->refused() == 2);
}

TEST_CASE("What was seen is still known when the store is opened again, with its times") {
  const test::TempDir folder;
  {
    auto store = store_in(folder);
    store->meet({Scope::kBuilds, "192.0.2.1 80", kNow, "first"});
    store->settle(1);
    store->meet({Scope::kBuilds, "192.0.2.1 80", kNow + 5, "second"});
    store->meet({Scope::kBuilds, "192.0.2.1 80", kNow + 7, "third"});
    store->meet({Scope::kHost, "192.0.2.1 80", kNow + 1, ""});
  }
  const auto kept = entries(folder);
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].first == kNow);
  CHECK(kept[0].last == kNow + 7);
  CHECK(kept[0].count == 3);
  CHECK(kept[0].build == "first");
  CHECK(kept[1].scope == Scope::kHost);
  CHECK(kept[1].count == 1);
  auto store = store_in(folder, kNow + kDay);
  CHECK(store->created() == kNow);
  CHECK_FALSE(store->meet({Scope::kBuilds, "192.0.2.1 80", kNow + kDay, ""}));
}

TEST_CASE("What is new is written with the next round, what is known now and then") {
  const test::TempDir folder;
  auto store = store_in(folder);
  store->meet({Scope::kBuilds, "a 1", kNow, ""});
  CHECK(store->unwritten() == 1);
  store->settle(kMinuteNs);
  CHECK(store->unwritten() == 0);
  store->meet({Scope::kBuilds, "a 1", kNow + 9, ""});
  store->settle(kMinuteNs + 1);
  CHECK(entries(folder).at(0).last == kNow);
  store->settle(2 * kMinuteNs);
  CHECK(entries(folder).at(0).last == kNow + 9);
  CHECK(entries(folder).at(0).count == 2);
}

TEST_CASE("What other processes change counts from then on") {
  const test::TempDir folder;
  auto store = store_in(folder);
  baseline::Catalog others(database(folder));
  const auto meet = [&](const char* key) { return store->meet({Scope::kBuilds, key, kNow, ""}); };
  CHECK(meet("a 1"));
  store->settle(1);
  CHECK_FALSE(meet("a 1"));  // and is counted later
  REQUIRE(others.forget("a 1", {}));
  CHECK_FALSE(store->knows(Scope::kBuilds, "a 1", kNow));
  store->settle(2 * kMinuteNs);  // which does not bring it back
  CHECK(meet("a 1"));

  bool given = false;
  REQUIRE(others.add([&]() -> base::Result<std::optional<baseline::Entry>> {
    if (std::exchange(given, true)) return std::optional<baseline::Entry>();
    return std::optional(baseline::Entry{Scope::kBuilds, "b 1", kNow, kNow, 1, ""});
  }));
  CHECK_FALSE(meet("b 1"));
}

TEST_CASE("Somebody else's transaction is not waited for, and nothing is lost by it") {
  const test::TempDir folder;
  auto store = store_in(folder);
  auto other = database(folder);
  {
    auto held = baseline::Transaction::begin(*other);
    REQUIRE(held);
    CHECK(store->meet({Scope::kBuilds, "a 1", kNow, ""}));
    store->settle(1);
    CHECK(store->write_errors() == 1);
    CHECK(store->unwritten() == 1);
    CHECK_FALSE(store->meet({Scope::kBuilds, "a 1", kNow, ""}));
    store->settle(2);  // too soon
    CHECK(store->write_errors() == 1);
  }
  store->settle(1 + baseline::kRetryNs);
  CHECK(store->unwritten() == 0);
  CHECK(entries(folder).size() == 1);
}

TEST_CASE("What cannot be written is known for this run only") {
  const test::TempDir folder;
  auto store = store_in(folder);
  bool fresh = false, again = true;
  {
    const test::SmallFiles none(0);
    fresh = store->meet({Scope::kBuilds, "192.0.2.1 80", kNow, ""});
    store->settle(1);
    again = store->meet({Scope::kBuilds, "192.0.2.1 80", kNow, ""});
    store->finish();
  }
  CHECK(fresh);
  CHECK_FALSE(again);
  CHECK(store->unwritten() == 1);
  CHECK(store->write_errors() == 2);
  CHECK(store->last_error().find("baseline.db: ") != std::string::npos);
  // There is room again.
  store->finish();
  CHECK(store->unwritten() == 0);
  CHECK(entries(folder).size() == 1);
}

TEST_CASE("More than can wait is new each time, and counted") {
  const test::TempDir folder;
  auto store = store_in(folder);
  std::size_t at = 0;
  const auto meet = [&] {
    return store->meet({Scope::kHost, std::to_string(++at) + " 1", kNow, ""});
  };
  for (std::size_t i = 0; i < baseline::kMaxWaiting; ++i) REQUIRE(meet());
  CHECK(store->refused() == 0);
  CHECK(meet());
  CHECK(store->refused() == 1);
  store->settle(1);
  CHECK(meet());
  CHECK(store->refused() == 1);
  CHECK(store->meet({Scope::kHost, std::to_string(baseline::kMaxWaiting + 1) + " 1", kNow, ""}));
}

TEST_CASE("A scope that is full takes nothing new until something of it is over or forgotten") {
  const test::TempDir folder;
  {
    baseline::Catalog catalog(database(folder));
    std::size_t made = 0;
    REQUIRE(catalog.add([&]() -> base::Result<std::optional<baseline::Entry>> {
      if (made == baseline::kMaxKeys) return std::optional<baseline::Entry>();
      const Seconds time = made == 0 ? kNow - 29 * kDay : kNow;
      return std::optional(
          baseline::Entry{Scope::kHost, std::to_string(made++) + " 1", time, time, 1, ""});
    }));
    // One more is refused, and all that came with it.
    std::size_t more = 0;
    const auto refused = catalog.add([&]() -> base::Result<std::optional<baseline::Entry>> {
      if (more == 2) return std::optional<baseline::Entry>();
      const Scope scope = more == 0 ? Scope::kBuilds : Scope::kHost;
      return std::optional(
          baseline::Entry{scope, "more" + std::to_string(more++) + " 1", kNow, kNow, 1, ""});
    });
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == base::ErrorClass::kUsage);
    CHECK(refused.error().message.find("nothing was changed") != std::string::npos);
  }
  auto store = store_in(folder);
  CHECK(store->meet({Scope::kHost, "new 1", kNow, ""}));
  CHECK(store->meet({Scope::kHost, "new 1", kNow, ""}));
  CHECK(store->refused() == 2);
  CHECK_FALSE(store->meet({Scope::kHost, "1 1", kNow, ""}));
  CHECK(store->meet({Scope::kBuilds, "new 1", kNow, ""}));  // the other one is not
  CHECK_FALSE(store->meet({Scope::kBuilds, "new 1", kNow, ""}));

  baseline::Catalog others(database(folder));
  REQUIRE(others.forget("2 1", {}));
  CHECK(store->meet({Scope::kHost, "new 1", kNow, ""}));
  CHECK_FALSE(store->meet({Scope::kHost, "new 1", kNow, ""}));
  CHECK(store->refused() == 2);
  store->settle(1);
  // By now the oldest one is over.
  CHECK(store->meet({Scope::kHost, "newer 1", kNow + 2 * kDay, ""}));
  CHECK_FALSE(store->meet({Scope::kHost, "newer 1", kNow + 2 * kDay, ""}));
}
