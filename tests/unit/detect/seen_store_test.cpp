#include "detect/seen_store.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <catch2/catch_test_macros.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "harness/temp_dir.h"

using namespace kilnwatch;
using detect::FileSeenStore;

namespace {

// While it lives no file of this process grows beyond `bytes`, and no signal says so.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit small = before_;
    small.rlim_cur = bytes;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;
  ~SmallFiles() {
    CHECK(::setrlimit(RLIMIT_FSIZE, &before_) == 0);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace

TEST_CASE("What was seen is still known when the store is opened again") {
  const test::TempDir folder;
  const auto path = folder.file("seen");
  {
    auto store = FileSeenStore::open(path);
    REQUIRE(store);
    CHECK((*store)->insert("192.0.2.1 80"));
    CHECK_FALSE((*store)->insert("192.0.2.1 80"));
    CHECK((*store)->insert("2001:db8::1 443"));
  }
  auto store = FileSeenStore::open(path);
  REQUIRE(store);
  CHECK_FALSE((*store)->insert("192.0.2.1 80"));
  CHECK_FALSE((*store)->insert("2001:db8::1 443"));
  CHECK((*store)->contains("2001:db8::1 443"));
  CHECK_FALSE((*store)->contains("2001:db8::1 444"));
  CHECK((*store)->insert("192.0.2.1 81"));
  CHECK((*store)->damaged() == 0);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("A damaged store keeps its whole lines, and what is added later is whole") {
  const test::TempDir folder;
  const auto path = folder.file("seen");
  std::ofstream(path) << "192.0.2.1 80\nnonsense\n"
                      << std::string(2 * detect::kMaxKey, 'x') << " 1\n192.0.2.2 8";
  {
    auto store = FileSeenStore::open(path);
    REQUIRE(store);
    CHECK((*store)->damaged() == 3);
    CHECK_FALSE((*store)->insert("192.0.2.1 80"));
    CHECK((*store)->insert("192.0.2.2 8"));
    CHECK((*store)->insert("192.0.2.3 80"));
  }
  auto store = FileSeenStore::open(path);
  REQUIRE(store);
  CHECK_FALSE((*store)->insert("192.0.2.3 80"));
}

TEST_CASE("A store that cannot be opened says why and what to do") {
  const test::TempDir folder;
  const auto missing = FileSeenStore::open(folder.file("no/such/folder"));
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.find("--state-dir") != std::string::npos);
  std::filesystem::create_symlink(folder.file("target"), folder.file("link"));
  CHECK_FALSE(FileSeenStore::open(folder.file("link")));
}

TEST_CASE("What cannot be written is known for this run only") {
  const test::TempDir folder;
  const auto path = folder.file("seen");
  auto store = FileSeenStore::open(path);
  REQUIRE(store);
  bool fresh = false, again = false;
  {
    const SmallFiles none(0);
    fresh = (*store)->insert("192.0.2.1 80");
    again = (*store)->insert("192.0.2.1 80");
  }
  CHECK(fresh);
  CHECK_FALSE(again);
  CHECK((*store)->write_errors() == 1);
}

TEST_CASE("A key that was written in part is no other key later") {
  const test::TempDir folder;
  const auto path = folder.file("seen");
  {
    auto store = FileSeenStore::open(path);
    REQUIRE(store);
    bool cut = false, refused = false;
    {
      const SmallFiles small(11);
      cut = (*store)->insert("192.0.2.1 8080");
      refused = (*store)->insert("192.0.2.2 8080");
    }
    CHECK(cut);
    CHECK(refused);
    CHECK((*store)->write_errors() == 2);
    CHECK((*store)->insert("0 80"));
    CHECK((*store)->insert("192.0.2.3 80"));
    CHECK((*store)->write_errors() == 2);
  }
  auto store = FileSeenStore::open(path);
  REQUIRE(store);
  CHECK_FALSE((*store)->insert("0 80"));
  CHECK_FALSE((*store)->insert("192.0.2.3 80"));
  // What stands of it would be a key of its own.
  CHECK((*store)->insert("192.0.2.1 8"));
  CHECK((*store)->insert("192.0.2.1 8080"));
}

TEST_CASE("A cut line at the end of the file stays damaged however often it is opened") {
  const test::TempDir folder;
  const auto path = folder.file("seen");
  std::ofstream(path) << "192.0.2.1 80\n192.0.2.2 8";
  REQUIRE(FileSeenStore::open(path));
  auto store = FileSeenStore::open(path);
  REQUIRE(store);
  CHECK_FALSE((*store)->insert("192.0.2.1 80"));
  CHECK((*store)->insert("192.0.2.2 8"));
}

TEST_CASE("What is no file of lines is refused, however long it goes on") {
  CHECK_FALSE(FileSeenStore::open("/dev/full"));
}
