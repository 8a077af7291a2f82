// What is looked at before anybody is asked: the password and its file.
#include "app/shared_baseline.h"

#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <fstream>
#include <string>

#include "baseline/open.h"
#include "harness/temp_dir.h"
#include "policy/parse.h"

using namespace kilnwatch;

namespace {

std::string file_with(const test::TempDir& folder, const std::string& text, mode_t mode) {
  const std::string path = folder.file("password");
  std::ofstream(path) << text;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
  return path;
}

std::string error_of(const test::TempDir& folder, const std::string& text, mode_t mode = 0600) {
  const auto password = app::read_password(file_with(folder, text, mode));
  if (password) return "";
  CHECK(password.error().kind == base::ErrorClass::kUsage);
  CHECK(password.error().message.find("geheim") == std::string::npos);
  return password.error().message;
}

policy::Policy policy_of(const std::string& more) {
  const auto policy = policy::parse("baseline: {store: 'redis://127.0.0.1:1'" + more + "}", "f");
  if (!policy) FAIL(policy.error().message);
  return *policy;
}

}  // namespace

TEST_CASE("A password is one line of a file that others cannot read") {
  test::TempDir folder;
  CHECK(*app::read_password(file_with(folder, "geheim", 0600)) == "geheim");
  CHECK(*app::read_password(file_with(folder, " ge heim \r\n", 0640)) == " ge heim ");
  CHECK(error_of(folder, "geheim\nx").find("more than a line") != std::string::npos);
  CHECK(error_of(folder, std::string(5000, 'x')).find("more than a line") != std::string::npos);
  CHECK(error_of(folder, "\n").find("is empty") != std::string::npos);
  CHECK(error_of(folder, "geheim", 0644).find("chmod 600") != std::string::npos);
  CHECK(error_of(folder, "geheim", 0620).find("chmod 600") != std::string::npos);
  CHECK_FALSE(app::read_password(folder.file("away")));
  CHECK_FALSE(app::read_password(folder.path().string()));
}

TEST_CASE("What the configuration names is looked at without asking anybody") {
  test::TempDir folder;
  ::unsetenv(app::kPasswordVariable);
  CHECK(app::check_shared({}));
  CHECK(app::check_shared(policy_of("")));
  const auto no_password = app::check_shared(policy_of(", user: sensor"));
  REQUIRE_FALSE(no_password);
  CHECK(no_password.error().message.find(app::kPasswordVariable) != std::string::npos);
  ::setenv(app::kPasswordVariable, "geheim", 1);
  CHECK(app::check_shared(policy_of(", user: sensor")));
  ::unsetenv(app::kPasswordVariable);
  const std::string file = file_with(folder, "geheim", 0600);
  CHECK(app::check_shared(policy_of(", user: sensor, password_file: " + file)));
  CHECK_FALSE(app::check_shared(policy_of(", user: sensor, password_file: /away")));
}

TEST_CASE("A local baseline has one number, whoever opens it") {
  test::TempDir folder;
  const auto store = [&] {
    auto opened =
        baseline::open_database({folder.path().string(), 1, baseline::Damage::kRefuse, true});
    if (!opened) FAIL(opened.error().message);
    auto made = baseline::SqliteStore::make(std::move(opened->database));
    if (!made) FAIL(made.error().message);
    return std::move(*made);
  };
  CHECK(*store()->sensor(7) == 7);
  CHECK(*store()->sensor(8) == 7);
  CHECK(app::asker_of(*store(), "a.test").sensor == "0000000000000007");
  CHECK_FALSE(*app::open_shared({}, app::asker_of(*store(), "a.test")));
  const auto shared = app::open_shared(policy_of(""), app::asker_of(*store(), "a.test"));
  REQUIRE(shared);
  const auto ticket = (*shared)->ask("192.0.2.1 443", "");
  (*shared)->wait(std::chrono::seconds(20));
  const auto answer = (*shared)->take(ticket);
  REQUIRE(answer);
  CHECK(answer->kind == fleet::Answer::Kind::kNone);
}
