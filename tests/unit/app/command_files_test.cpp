// What the live sensor reads when builders run: this process stands for the builder.
#include "app/command_files.h"

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>

#include "capture/live/proc.h"
#include "harness/temp_dir.h"

namespace kilnwatch::app {
namespace {

using namespace domain;
namespace fs = std::filesystem;

const std::string kId(64, 'a');
const std::string kContainer(64, 'c');

class Builder {
 public:
  void file(const std::string& name, const std::string& text) const {
    fs::create_directories((folder / name).parent_path());
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  std::vector<Event> execute(std::vector<std::string> args) {
    Process process = process_;
    process.comm = args[0].substr(args[0].rfind('/') + 1);
    process.exe = args[0];
    process.args = std::move(args);
    Event event = ProcessExecuted{100, process};
    return files.read(event);
  }
  std::vector<Event> exit(std::uint32_t code = 0) {
    Event event = ProcessExited{900, process_.pid, process_.start, code};
    return files.read(event);
  }
  std::string at(const std::string& name) const { return (folder / name).string(); }
  const test::TempDir dir;
  const fs::path& folder = dir.path();
  CommandFiles files{0};

 private:
  Process process_ = capture::process_of(static_cast<std::uint32_t>(::getpid()));
};

}  // namespace

TEST_CASE("a build's file is read when it begins, its image when it is over") {
  Builder builder;
  builder.file("ctx/Dockerfile", "FROM x\nRUN curl -u me:kw-canary http://a/\n");
  const auto begun = builder.execute(
      {"podman", "--root", builder.at("store"), "build", "-t", "evil:1", builder.at("ctx")});
  REQUIRE(begun.size() == 1);
  const auto& file = std::get<DockerfileRead>(begun[0]);
  CHECK(file.time == 101);
  CHECK(file.path == builder.at("ctx/Dockerfile"));
  CHECK(file.text.starts_with("FROM x\nRUN curl"));
  CHECK(file.text.find("kw-canary") == std::string::npos);
  CHECK(file.sha256.size() == 64);
  builder.file("store/overlay-images/images.json",
               R"([{"id":")" + kId +
                   R"(","names":["localhost/evil:1"],"created":"1970-01-01T00:00:00Z"},)" +
                   R"({"id":")" + std::string(64, 'b') + R"(","created":"1970-01-01T00:00:00Z"}])");
  const auto over = builder.exit();
  REQUIRE(over.size() == 1);
  const auto& store = std::get<StorageRead>(over[0]);
  CHECK(store.time == 901);
  REQUIRE(store.images.size() == 1);  // the other one is older than the build
  CHECK(store.images[0].id == "sha256:" + kId);
  CHECK(builder.exit().empty());
}

TEST_CASE("the first of the files that a builder looks for, and several as one") {
  Builder builder;
  builder.file("ctx/Dockerfile", "FROM second\n");
  builder.file("ctx/Containerfile", "FROM first\n");
  builder.file("more", "RUN x");
  auto begun = builder.execute({"buildah", "bud", builder.at("ctx")});
  REQUIRE(begun.size() == 1);
  CHECK(std::get<DockerfileRead>(begun[0]).text == "FROM first\n");
  builder.exit(1);
  begun = builder.execute(
      {"buildah", "bud", "-f", "Dockerfile", "-f", builder.at("more"), builder.at("ctx")});
  REQUIRE(begun.size() == 1);
  CHECK(std::get<DockerfileRead>(begun[0]).text == "FROM second\nRUN x");
}

TEST_CASE("a build that fails, one from elsewhere and none at all ask for nothing") {
  Builder builder;
  CHECK(builder.execute({"podman", "build", "https://example.org/x.git"}).empty());
  CHECK(builder.exit(256).empty());
  CHECK(builder.execute({"podman", "ps"}).empty());
  CHECK(builder.execute({"podman", "build", builder.at("nowhere")}).empty());
  builder.exit(1);
}

TEST_CASE("a file that can not be read is said") {
  Builder builder;
  builder.file("ctx/Dockerfile", std::string(capture::kMaxFile + 1, 'x'));
  const auto begun = builder.execute({"podman", "build", builder.at("ctx")});
  REQUIRE(begun.size() == 1);
  CHECK(std::get<KernelLoss>(begun[0]).cause == "command-files");
}

TEST_CASE("a working container is found by name or id, the one that from made is the newest") {
  Builder builder;
  builder.file("store/overlay-containers/containers.json", "[]");
  builder.file("store/overlay-containers/volatile-containers.json",
               R"([{"id":")" + kContainer + R"(","names":["work"],"image":")" + kId +
                   R"(","created":"2026-11-24T14:19:02Z"}])");
  const std::string root = builder.at("store");
  for (const std::string name : {"work", "ccc"}) {
    const auto begun = builder.execute({"buildah", "--root", root, "run", name, "true"});
    REQUIRE(begun.size() == 1);
    CHECK(std::get<StorageRead>(begun[0]).containers[0].id == kContainer);
    CHECK(builder.exit().empty());
  }
  CHECK(builder.execute({"buildah", "--root", root, "run", "other", "true"}).empty());
  builder.exit();
  CHECK(builder.execute({"buildah", "--root", root, "from", "x"}).empty());
  const auto made = builder.exit();
  REQUIRE(made.size() == 1);
  CHECK(std::get<StorageRead>(made[0]).containers[0].name == "work");
}

TEST_CASE("a container that podman starts") {
  Builder builder;
  builder.file("store/overlay-containers/containers.json",
               R"([{"id":")" + kContainer + R"(","names":["x"],"image":")" + kId + R"("}])");
  builder.file("store/overlay-images/images.json",
               R"([{"id":")" + kId + R"(","names":["localhost/evil:1"]}])");
  const std::string bundle = builder.at("store/overlay-containers/" + kContainer + "/userdata");
  builder.file("store/overlay-containers/" + kContainer + "/userdata/config.json",
               R"({"annotations":{"io.podman.annotations.privileged":"TRUE"}})");
  const auto begun =
      builder.execute({"/usr/bin/conmon", "-c", kContainer, "-b", bundle, "-n", "x"});
  REQUIRE(begun.size() == 1);
  const auto& store = std::get<StorageRead>(begun[0]);
  REQUIRE(store.containers.size() == 1);
  CHECK(store.containers[0].privileged);
  CHECK(store.containers[0].image == "sha256:" + kId);
  REQUIRE(store.images.size() == 1);
  CHECK(store.images[0].names.front() == "localhost/evil:1");
}

}  // namespace kilnwatch::app
