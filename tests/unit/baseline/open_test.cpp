// The database in the state directory: made, moved on from the text file, damaged.
#include "baseline/open.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "baseline/sqlite_store.h"
#include "harness/temp_dir.h"

using namespace kilnwatch;
using baseline::Damage;
using baseline::Scope;

namespace {

constexpr baseline::Seconds kNow = 1'800'000'000;

class Folder : public test::TempDir {
 public:
  std::string database() const { return file(baseline::kFile); }
  base::Result<baseline::Opened> open(Damage damage = Damage::kSetAside, bool make = true) const {
    return baseline::open_database({path().string(), kNow, damage, make});
  }
  std::string error(Damage damage = Damage::kSetAside, bool make = true) const {
    const auto opened = open(damage, make);
    if (opened) return "";
    CHECK(opened.error().kind == base::ErrorClass::kEnvironment);
    return opened.error().message;
  }
  std::unique_ptr<baseline::SqliteStore> store() const {
    auto opened = open();
    REQUIRE(opened);
    auto out = baseline::SqliteStore::make(std::move(opened->database));
    REQUIRE(out);
    return std::move(*out);
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name), std::ios::binary) << text;
  }
  bool has(const std::string& name) const { return std::filesystem::exists(file(name)); }
};

mode_t mode_of(const std::string& file) {
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

bool says(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

void fill(const Folder& folder) {
  auto store = folder.store();
  for (int i = 0; i < 500; ++i)
    store->meet({Scope::kBuilds, "192.0.2.1 " + std::to_string(i), kNow, "build"});
}

}  // namespace

TEST_CASE("The database and its log are for their owner alone, whatever the umask says") {
  const Folder folder;
  const mode_t before = ::umask(0);
  {
    auto store = folder.store();
    store->meet({Scope::kBuilds, "a 1", kNow, ""});
    store->settle(1);
    CHECK(mode_of(folder.database()) == 0600);
    CHECK(mode_of(folder.database() + "-wal") == 0600);
    CHECK(mode_of(folder.database() + "-shm") == 0600);
  }
  ::umask(before);
  CHECK_FALSE(folder.has("baseline.db-wal"));
  REQUIRE(::chmod(folder.database().c_str(), 0644) == 0);
  REQUIRE(folder.open());
  CHECK(mode_of(folder.database()) == 0600);
}

TEST_CASE("One that cannot be opened says why and what to do") {
  const Folder folder;
  CHECK(says(folder.error(Damage::kRefuse, false), "`run` makes one"));
  CHECK_FALSE(folder.has(baseline::kFile));
  const auto missing =
      baseline::open_database({folder.file("no/such"), kNow, Damage::kSetAside, true});
  REQUIRE_FALSE(missing);
  CHECK(says(missing.error().message, "--state-dir"));
  std::filesystem::create_symlink(folder.file("target"), folder.database());
  CHECK(says(folder.error(), "--state-dir"));
  std::filesystem::remove(folder.database());
  REQUIRE(::mkfifo(folder.database().c_str(), 0600) == 0);
  CHECK(says(folder.error(), "not a regular file"));
  std::filesystem::remove(folder.database());
  std::filesystem::create_directory(folder.database());
  CHECK_FALSE(folder.error().empty());
}

TEST_CASE("A damaged database is set aside by a sensor and refused to everybody else") {
  const Folder folder;
  fill(folder);
  const std::string kind = GENERATE(as<std::string>{}, "noise", "cut", "page", "foreign", "tables");
  CAPTURE(kind);
  if (kind == "noise") folder.write(baseline::kFile, std::string(10'000, 'x'));
  if (kind == "cut") std::filesystem::resize_file(folder.database(), 8192);
  if (kind == "page") {
    std::fstream file(folder.database(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8192);
    file << std::string(4096, '\xff');
  }
  if (kind == "foreign" || kind == "tables") {
    auto opened = folder.open();
    REQUIRE(opened);
    REQUIRE(opened->database->execute(kind == "foreign" ? "PRAGMA application_id = 7"
                                                        : "DROP TABLE destinations"));
  }
  const std::string error = folder.error(Damage::kRefuse);
  CHECK(says(error, "the next `run` sets it aside"));
  const auto opened = folder.open();
  REQUIRE(opened);
  REQUIRE(opened->notes.size() == 1);
  CHECK(says(opened->notes[0], "baseline.db.damaged"));
  CHECK(folder.has("baseline.db.damaged"));
  CHECK(folder.error(Damage::kRefuse).empty());
}

TEST_CASE("An empty file is a new baseline, and that is said") {
  for (const Damage damage : {Damage::kSetAside, Damage::kRefuse}) {
    const Folder folder;
    folder.write(baseline::kFile, "");
    const auto opened = folder.open(damage);
    REQUIRE(opened);
    REQUIRE(opened->notes.size() == 1);
    CHECK(says(opened->notes[0], "was empty"));
  }
  const Folder moved;  // what it will hold is there
  moved.write(baseline::kFile, "");
  moved.write(baseline::kTextFile, "");
  const auto whole = moved.open();
  REQUIRE(whole);
  for (const std::string& note : whole->notes) CHECK_FALSE(says(note, "was empty"));
  const Folder folder;
  const auto first = folder.open();  // there is none yet
  REQUIRE(first);
  CHECK(first->notes.empty());
  const auto second = folder.open();  // whose log may not be moved into the file yet
  REQUIRE(second);
  CHECK(second->notes.empty());
}

TEST_CASE("While another program writes, what to do is said") {
  const Folder folder;
  const auto first = folder.open();
  REQUIRE(first);
  const auto second = folder.open();
  REQUIRE(second);
  second->database->set_patience(1);
  const auto held = baseline::Transaction::begin(*first->database);
  REQUIRE(held);
  const auto refused = baseline::Transaction::begin(*second->database);
  REQUIRE_FALSE(refused);
  CHECK(says(refused.error().message, "try again"));
}

TEST_CASE("One that was damaged twice is set aside twice") {
  const Folder folder;
  for (int i = 0; i < 2; ++i) {
    folder.write(baseline::kFile, std::string(100, 'x'));
    auto store = folder.store();
    CHECK(store->meet({Scope::kBuilds, "a 1", kNow, ""}));
  }
  CHECK_FALSE(folder.store()->meet({Scope::kBuilds, "a 1", kNow, ""}));
}

TEST_CASE("One of a later version is nobody's to set aside") {
  const Folder folder;
  {
    auto opened = folder.open();
    REQUIRE(opened);
    REQUIRE(opened->database->execute("PRAGMA user_version = 2"));
  }
  CHECK(says(folder.error(), "later version"));
  CHECK_FALSE(folder.has("baseline.db.damaged"));
}

TEST_CASE("The text file of earlier versions is read once, and renamed") {
  const Folder folder;
  folder.write(baseline::kTextFile, "192.0.2.1 80\nnonsense\n2001:db8::1 443 a.test\n" +
                                        std::string(2 * baseline::kMaxKey, 'x') +
                                        " 1\n192.0.2.2 8");
  {
    auto opened = folder.open(Damage::kRefuse, false);
    REQUIRE(opened);
    REQUIRE(opened->notes.size() == 2);
    CHECK(says(opened->notes[0], "2 destinations of "));
    CHECK(says(opened->notes[1], "3 lines of it were not understood"));
  }
  CHECK_FALSE(folder.has(baseline::kTextFile));
  CHECK(folder.has("seen-destinations.migrated"));
  REQUIRE(folder.open()->notes.empty());
  auto store = folder.store();
  CHECK_FALSE(store->meet({Scope::kBuilds, "192.0.2.1 80", kNow, ""}));
  CHECK_FALSE(store->meet({Scope::kBuilds, "2001:db8::1 443 a.test", kNow, ""}));
  CHECK(store->meet({Scope::kBuilds, "192.0.2.2 8", kNow, ""}));
}

TEST_CASE("What the database knows better than the text file stays") {
  const Folder folder;
  folder.store()->meet({Scope::kBuilds, "192.0.2.1 80", kNow - 100, "b"});
  folder.write(baseline::kTextFile, "192.0.2.1 80\n");
  auto opened = folder.open();
  REQUIRE(opened);
  CHECK(*opened->database->number("SELECT first FROM destinations") == kNow - 100);
}
