#include <catch2/catch_test_macros.hpp>
#include <string>

#include "harness/archive.h"
#include "protocol/tar/tar.h"

using namespace kilnwatch;
using test::tar_entry;

namespace {

std::string found(const std::string& archive, const std::string& name = "Dockerfile") {
  const auto member = protocol::find_tar_member(archive, name);
  return member ? archive.substr(member->content, member->size) : "none";
}

}  // namespace

TEST_CASE("A member is found by the path it stands for") {
  const auto archive = tar_entry("a", "1") + tar_entry("./Dockerfile", "FROM x") + test::tar_end();
  CHECK(found(archive) == "FROM x");
  CHECK(found(archive, "/./Dockerfile") == "FROM x");
  CHECK(found(archive, "dockerfile") == "none");
  CHECK(found(tar_entry("d/../Dockerfile", "x")) == "x");
  CHECK(found(tar_entry("b", "x", '0',
                        std::string("ustar\0"
                                    "00",
                                    8),
                        "deep/a"),
              "deep/a/b") == "x");
}

TEST_CASE("Old, GNU and pax headers are read") {
  const std::string gnu("ustar  \0", 8);
  CHECK(found(tar_entry("Dockerfile", "v7", '\0', "")) == "v7");
  CHECK(found(tar_entry("Dockerfile", "gnu", '0', gnu)) == "gnu");
  const std::string deep = std::string(120, 'd') + "/Dockerfile";
  CHECK(
      found(tar_entry("././@LongLink", deep + '\0', 'L', gnu) + tar_entry("cut", "long", '0', gnu),
            deep) == "long");
  CHECK(found(tar_entry("PaxHeaders/x",
                        test::pax_record("mtime", "1.5") + test::pax_record("path", "Dockerfile"),
                        'x') +
              tar_entry("x", "pax")) == "pax");
  CHECK(found(tar_entry("g", test::pax_record("comment", "c"), 'g') +
              tar_entry("Dockerfile", "after g")) == "after g");
}

TEST_CASE("A pax size counts, not the header's") {
  auto member = tar_entry("x", "0123456789");
  CHECK(found(tar_entry("p", test::pax_record("path", "Dockerfile") + test::pax_record("size", "4"),
                        'x') +
              member) == "0123");
}

TEST_CASE("Extraction overwrites: the last member of a name counts") {
  CHECK(found(tar_entry("Dockerfile", "one") + tar_entry("./Dockerfile", "two")) == "two");
  CHECK(found(tar_entry("Dockerfile", "one") + tar_entry("Dockerfile", "", '2')) == "none");
}

TEST_CASE("Only what is whole is found, whatever is cut or wrong") {
  const auto archive =
      tar_entry("a", std::string(700, 'a')) + tar_entry("Dockerfile", "FROM x") + test::tar_end();
  for (std::size_t n = 0; n < archive.size(); ++n) {
    const auto text = found(archive.substr(0, n));
    CHECK(text == (n >= 512 + 1024 + 512 + 6 ? "FROM x" : "none"));
  }
  auto wrong = tar_entry("Dockerfile", "x");
  wrong[148] = '7';
  CHECK(found(wrong) == "none");
  CHECK(found(std::string(4096, 'x')) == "none");
  CHECK(found(tar_entry("p", "9999 path=Dockerfile\n", 'x') + tar_entry("y", "x")) == "none");
}
