// Files as a process finds them, and what is no file.
#include "capture/live/process_root.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>

#include "capture/live/proc.h"
#include "harness/temp_dir.h"

namespace kilnwatch::capture {
namespace {

using base::ErrorClass;

class Folder : public test::TempDir {
 public:
  using TempDir::file;
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path() / name, std::ios::binary) << text;
    return file(name);
  }
};

std::uint32_t self() { return static_cast<std::uint32_t>(::getpid()); }

}  // namespace

TEST_CASE("a regular file is read in whole, also behind a link within the root") {
  const Folder folder;
  const auto root = ProcessRoot::open(self(), process_of(self()).start);
  REQUIRE(root);
  const auto path = folder.file("Dockerfile", "FROM x\n");
  CHECK(*root->read(path) == "FROM x\n");
  std::filesystem::create_symlink(path, folder.file("link"));
  CHECK(*root->read(folder.file("link")) == "FROM x\n");
  CHECK(*root->read("/../../.." + path) == "FROM x\n");  // the root is the end
  CHECK(root->cwd() == std::filesystem::current_path());
}

TEST_CASE("what is no file, is too large, or leads through /proc is refused and not opened") {
  const Folder folder;
  const auto root = ProcessRoot::open(self(), 0);
  REQUIRE(root);
  CHECK(root->read(folder.file("none")).error().kind == ErrorClass::kInput);
  CHECK(root->read(folder.path().string()).error().kind == ErrorClass::kInput);
  const auto pipe = folder.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(root->read(pipe).error().kind == ErrorClass::kInput);  // and does not wait for a writer
  CHECK(root->read("/dev/zero").error().kind == ErrorClass::kInput);
  CHECK(*root->read(folder.file("full", std::string(kMaxFile, 'x'))) == std::string(kMaxFile, 'x'));
  CHECK(root->read(folder.file("over", std::string(kMaxFile + 1, 'x'))).error().kind ==
        ErrorClass::kOther);
  const auto path = folder.file("Dockerfile", "FROM x\n");
  std::filesystem::create_symlink("/proc/self/root" + path, folder.file("magic"));
  CHECK(root->read(folder.file("magic")).error().kind == ErrorClass::kOther);
}

TEST_CASE("a process that is gone, or another by now, has no root") {
  CHECK_FALSE(ProcessRoot::open(self(), process_of(self()).start + 1'000'000'000));
  CHECK_FALSE(ProcessRoot::open(0x7fffffff, 0));
}

}  // namespace kilnwatch::capture
