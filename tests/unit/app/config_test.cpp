// The configuration file: who may have written it, and what a new one that is wrong leaves in
// place.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "app/config_file.h"
#include "harness/temp_dir.h"
#include "policy/limits.h"

using namespace kilnwatch;

namespace {

class Folder : public test::TempDir {
 public:
  std::string write(const std::string& text, mode_t mode = 0644) const {
    const std::string name = file("config.yaml");
    std::ofstream(name) << text;
    REQUIRE(::chmod(name.c_str(), mode) == 0);
    return name;
  }
};

std::string error_of(const std::string& file) {
  const auto config = app::read_config(file);
  if (config) return "";
  CHECK(config.error().kind == base::ErrorClass::kUsage);
  return config.error().message;
}

bool says(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("A configuration that others could change is refused") {
  const Folder folder;
  CHECK(error_of(folder.write("clients: [{uid: 0}]\n")).empty());
  for (const mode_t mode : {0664, 0646, 0666}) {
    CHECK(says(error_of(folder.write("", mode)), "chmod go-w"));
  }
  const std::string file = folder.write("");
  REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
  CHECK(says(error_of(file), "in a folder that others can write"));
  REQUIRE(::chmod(folder.path().c_str(), 01777) == 0);
  CHECK(error_of(file).empty());
  REQUIRE(::chmod(folder.path().c_str(), 0700) == 0);
  if (::geteuid() == 0) {
    REQUIRE(::chown(file.c_str(), 12'345, 12'345) == 0);
    CHECK(says(error_of(file), "belongs to another user"));
  }
}

TEST_CASE("What is no file that can be read is refused") {
  const Folder folder;
  CHECK(says(error_of(folder.file("none")), "cannot be opened (No such file"));
  CHECK(says(error_of(folder.path().string()), "no regular file"));
  REQUIRE(::mkfifo(folder.file("fifo").c_str(), 0600) == 0);
  CHECK(says(error_of(folder.file("fifo")), "no regular file"));
  CHECK(says(error_of("/dev/zero"), "no regular file"));
  CHECK(says(error_of(folder.write(std::string(policy::kMaxFile + 1, '#'))), "shorten its lists"));
}

TEST_CASE("Without a file nothing is configured, unless one was named") {
  const Folder folder;
  const auto none = app::find_config("", folder.file("none"));
  REQUIRE(none);
  CHECK(none->file.empty());
  CHECK_FALSE(app::find_config(folder.file("none")));
  const auto found = app::find_config("", folder.write("registries: [docker.io]\n"));
  REQUIRE(found);
  CHECK(found->policy.registries.size() == 1);
  CHECK(found->file == folder.file("config.yaml"));
}

TEST_CASE("A new configuration is taken when it is right, and when it is wrong its place is told") {
  const Folder folder;
  const std::string file = folder.write("registries: [docker.io]\n");
  REQUIRE(app::reload_config(file, true));
  folder.write("registries: [docker.io, ghcr.io]\n");
  const auto next = app::reload_config(file, true);
  REQUIRE(next);
  CHECK(next->policy.registries.size() == 2);
  folder.write("registries: [docker.io]\nregistry: []\n");
  const auto wrong = app::reload_config(file, true);
  REQUIRE_FALSE(wrong);
  CHECK(says(wrong.error().message, file + ":2:1: "));

  // The standard file: gone, or never there.
  CHECK_FALSE(app::reload_config("", true, folder.file("none")));
  const auto never = app::reload_config("", false, folder.file("none"));
  REQUIRE(never);
  CHECK(never->file.empty());
}
