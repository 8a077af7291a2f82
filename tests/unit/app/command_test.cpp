#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "app/command_line.h"
#include "app/log.h"
#include "app/notify.h"
#include "app/state_dir.h"
#include "base/fd.h"
#include "harness/temp_dir.h"

using namespace kilnwatch;

namespace {

base::Result<app::CommandLine> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "kilnwatch");
  return app::parse_command_line(static_cast<int>(words.size()), words.data());
}

}  // namespace

TEST_CASE("COMMAND of capture is taken word for word") {
  const auto line =
      parse({"capture", "--for", "5m", "--", "run", "--output", "", "[a,b]", "--", "replay"});
  REQUIRE(line);
  CHECK(line->command == app::Command::kCapture);
  CHECK(line->options.seconds == 300);
  CHECK(line->options.format.empty());
  CHECK(line->options.command ==
        std::vector<std::string>{"run", "--output", "", "[a,b]", "--", "replay"});
}

TEST_CASE("The log format may stand before and behind the command") {
  CHECK(parse({"--log-format", "json", "run"})->options.log_format == "json");
  CHECK(parse({"run", "--log-format", "json"})->options.log_format == "json");
  CHECK(parse({"run"})->options.log_format.empty());
}

TEST_CASE("The road to the kernel is chosen by option, or else by the environment") {
  CHECK(parse({"run"})->options.hooks == "auto");
  CHECK(parse({"doctor", "--hooks", "kprobe"})->options.hooks == "kprobe");
  CHECK(parse({"capture", "--hooks", "fentry", "--for", "1s"})->options.hooks == "fentry");
  REQUIRE(::setenv("KILNWATCH_HOOKS", "kprobe", 1) == 0);
  CHECK(parse({"run"})->options.hooks == "kprobe");
  CHECK(parse({"run", "--hooks", "auto"})->options.hooks == "auto");
  REQUIRE(::setenv("KILNWATCH_HOOKS", "xml", 1) == 0);
  CHECK_FALSE(parse({"run"}));
  REQUIRE(::unsetenv("KILNWATCH_HOOKS") == 0);
}

TEST_CASE("The baseline's commands, and who has one by default") {
  CHECK(parse({"run"})->options.state_dir == "/var/lib/kilnwatch");
  CHECK(parse({"replay", "file"})->options.state_dir.empty());
  CHECK(parse({"replay", "--state-dir", "/s", "file"})->options.state_dir == "/s");
  CHECK(parse({"baseline", "list"})->options.state_dir == "/var/lib/kilnwatch");
  const auto add = parse({"baseline", "add", "--state-dir", "/s", "::1", "22", "a.test"});
  REQUIRE(add);
  CHECK(add->command == app::Command::kBaselineAdd);
  CHECK(add->options.state_dir == "/s");
  CHECK(add->options.key == std::vector<std::string>{"::1", "22", "a.test"});
  CHECK(parse({"baseline", "forget", "::1 22", "--scope", "host"})->options.scope == "host");
  CHECK(parse({"baseline", "stats", "--log-format", "json"})->options.log_format == "json");
}

TEST_CASE("What is not understood is a usage error") {
  const auto words = GENERATE(
      std::vector<const char*>{}, std::vector<const char*>{"fly"},
      std::vector<const char*>{"run", "--frobnicate"},
      std::vector<const char*>{"run", "--output", "xml"}, std::vector<const char*>{"run", "extra"},
      std::vector<const char*>{"replay"}, std::vector<const char*>{"capture", "--for", "0"},
      std::vector<const char*>{"capture", "--for", "-5s"},
      std::vector<const char*>{"capture", "--for", "0.0m"},
      std::vector<const char*>{"capture", "--for", "soon"},
      std::vector<const char*>{"capture", "--for", "99999999"},
      std::vector<const char*>{"capture", "--for", "1h30m"},
      std::vector<const char*>{"run", "--record-limit", "much"},
      std::vector<const char*>{"run", "--log-format", "xml"},
      std::vector<const char*>{"run", "--record"}, std::vector<const char*>{"baseline"},
      std::vector<const char*>{"baseline", "add"},
      std::vector<const char*>{"baseline", "list", "x"},
      std::vector<const char*>{"baseline", "list", "--scope", "town"});
  const auto line = parse(words);
  REQUIRE_FALSE(line);
  CHECK(line.error().kind == base::ErrorClass::kUsage);
  CHECK_FALSE(line.error().message.empty());
}

TEST_CASE("What is not understood is told by its name, also where something is missing") {
  using Words = std::vector<const char*>;
  for (const auto& words : {Words{"fly"}, Words{"baseline", "fly"}, Words{"run", "fly"},
                            Words{"replay", "file", "fly"}})
    CHECK(parse(words).error().message.starts_with("'fly' is no command or option here; "));
  CHECK(parse({"replay"}).error().message.starts_with("file is required"));
}

TEST_CASE("A log line is one line whatever stands in it") {
  const std::string hostile = "a\n\"b\"\x1b[2J\\\xff\xe2\x80\xae";
  CHECK(app::log_line(app::LogFormat::kText, app::Level::kInfo, "armed", 0) ==
        "kilnwatch: armed\n");
  CHECK(app::log_line(app::LogFormat::kText, app::Level::kError, hostile, 0) ==
        "kilnwatch: error: a\\x0a\"b\"\\x1b[2J\\\\xff\\xe2\\x80\\xae\n");
  CHECK(app::log_line(app::LogFormat::kJson, app::Level::kWarning, hostile,
                      1'700'000'000'123'456'789) ==
        "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warning\",\"message\":"
        "\"a\\\\x0a\\\"b\\\"\\\\x1b[2J\\\\\\\\xff\\\\xe2\\\\x80\\\\xae\"}\n");
}

TEST_CASE("The service manager is told over a path and over an abstract name") {
  const test::TempDir folder;
  const bool abstract = GENERATE(false, true);
  const std::string path =
      abstract ? "@kilnwatch-test-" + std::to_string(::getpid()) : folder.file("notify");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (abstract) address.sun_path[0] = '\0';
  const base::Fd manager(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(manager.get(), reinterpret_cast<sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() +
                                        (abstract ? 0 : 1))) == 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  app::notify_manager("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
  std::array<char, 64> got{};
  CHECK(::recv(manager.get(), got.data(), got.size(), MSG_DONTWAIT) == 7);
  CHECK(std::string(got.data()) == "READY=1");
  if (!abstract) ::unlink(path.c_str());
}

TEST_CASE("A manager that is not there is no reason to stop") {
  const std::string name = GENERATE(as<std::string>{}, "", "x", "relative", "/nothing/here",
                                    "@nobody-listens-here", std::string(200, '/'));
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  app::notify_manager("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
  SUCCEED();
}

TEST_CASE("The state directory is made for us alone, and refused when others can write in it") {
  const test::TempDir folder;
  const std::string made = folder.file("state");
  REQUIRE(app::make_state_dir(made));
  struct stat info {};
  REQUIRE(::stat(made.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0700);
  CHECK(app::make_state_dir(made));
  for (const mode_t mode : {0720, 0702, 0777}) {
    ::chmod(made.c_str(), mode);
    const auto refused = app::make_state_dir(made);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == base::ErrorClass::kEnvironment);
  }
  ::rmdir(made.c_str());
  CHECK_FALSE(app::make_state_dir("/dev/null"));
  CHECK_FALSE(app::make_state_dir(folder.file("no/such/parent")));
  CHECK_FALSE(app::make_state_dir(""));
}
