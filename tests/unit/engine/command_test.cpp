// What command lines of builders ask for, and what their stores say.
#include <catch2/catch_test_macros.hpp>

#include "engine/command/arguments.h"
#include "engine/command/commands.h"
#include "engine/command/places.h"
#include "engine/command/storage.h"

namespace kilnwatch::engine::command {
namespace {

using Words = std::vector<std::string>;

domain::Process process(Words args, std::string comm = {}) {
  domain::Process out;
  out.pid = 10;
  out.start = 7;
  out.comm = comm.empty() ? args.front() : comm;
  out.args = std::move(args);
  return out;
}

std::optional<Arguments> read(Words args) { return read_arguments(process(std::move(args))); }

}  // namespace

TEST_CASE("podman build: flags in every form") {
  const auto out = read({"podman",   "--root",      "/srv/store", "--log-level=debug",
                         "build",    "-t",          "evil:1",     "--tag=b:2",
                         "-tc:3",    "--build-arg", "TOKEN=***",  "--build-arg=PLAIN",
                         "-f",       "docker/File", "--network",  "host",
                         "--target", "last",        "-q",         "--no-cache",
                         "--jobs=4", "ctx",         "--pull"});
  REQUIRE(out);
  CHECK(out->verb == Verb::kBuild);
  CHECK(out->request.engine == domain::EngineKind::kPodman);
  CHECK(out->request.tags == Words{"evil:1", "b:2", "c:3"});
  CHECK(out->request.build_arg_names == Words{"TOKEN", "PLAIN"});
  CHECK(out->files == Words{"docker/File"});
  CHECK(out->request.dockerfile_name == "docker/File");
  CHECK(out->request.network_mode == "host");
  CHECK(out->request.target == "last");
  CHECK(out->request.quiet);
  CHECK(out->request.no_cache);
  CHECK(out->request.parallel);
  CHECK(out->context == "ctx");
  CHECK(out->store == "/srv/store");
}

TEST_CASE("what is a build, and by whom") {
  CHECK(read({"podman", "image", "build", "."}));
  CHECK(read({"podman", "buildx", "build", "."}));
  CHECK(read({"buildah", "bud", "."})->request.engine == domain::EngineKind::kBuildah);
  CHECK(read({"buildah", "build-using-dockerfile", "."}));
  CHECK(read_arguments(process({"podman", "build", "."}, "exe")));
  CHECK_FALSE(read({"podman", "run", "build"}));
  CHECK_FALSE(read({"podman", "ps"}));
  CHECK_FALSE(read({"podman"}));
  CHECK_FALSE(read({"podman", "--remote", "build", "."}));
  CHECK_FALSE(read({"podman", "--url", "tcp://192.0.2.1:1", "build", "."}));
  CHECK_FALSE(read({"podman", "-c", "other", "build", "."}));
  CHECK_FALSE(read_arguments(process({"podman", "build", "."}, "sh")));
  CHECK_FALSE(read_arguments(process({"executor", "--context", "/x"})));
  CHECK_FALSE(read({""}));
}

TEST_CASE("a cache is looked into by podman, and by buildah where it is told to") {
  CHECK_FALSE(read({"podman", "build", "."})->request.no_cache);
  CHECK(read({"podman", "build", "--layers=false", "."})->request.no_cache);
  CHECK(read({"buildah", "bud", "."})->request.no_cache);
  CHECK_FALSE(read({"buildah", "bud", "--layers", "."})->request.no_cache);
}

TEST_CASE("a context elsewhere, or from stdin") {
  auto out = read({"podman", "build", "https://user:secret@example.org/x.git#main"});
  REQUIRE(out);
  CHECK(out->context.empty());
  CHECK(out->request.remote_context == "https://***@example.org/x.git#main");
  out = read({"podman", "build", "-"});
  CHECK(out->context.empty());
  CHECK(out->request.remote_context.empty());
  CHECK(read({"podman", "build"})->context == ".");
}

TEST_CASE("buildah's working containers") {
  auto out = read({"buildah", "from", "--name", "work", "alpine:3"});
  REQUIRE(out);
  CHECK(out->verb == Verb::kFrom);
  CHECK(out->base == "alpine:3");
  CHECK(out->working == "work");
  out = read({"buildah", "run", "-e", "TOKEN=***", "--isolation=chroot", "work", "--", "wget",
              "-qO", "/p", "http://192.0.2.1/"});
  REQUIRE(out);
  CHECK(out->working == "work");
  CHECK(out->run == Words{"wget", "-qO", "/p", "http://192.0.2.1/"});
  CHECK(read({"buildah", "run", "--net=host", "work", "true"})->request.network_mode == "host");
  CHECK(read({"buildah", "from", "--network", "host", "x"})->request.network_mode == "host");
  out = read({"buildah", "run", "work", "sh", "-c", "true"});
  CHECK(out->run == Words{"sh", "-c", "true"});
  out = read({"buildah", "commit", "--rm", "work", "evil:1"});
  REQUIRE(out);
  CHECK(out->working == "work");
  CHECK(out->request.tags == Words{"evil:1"});
  CHECK_FALSE(read({"buildah", "commit"}));
}

TEST_CASE("kaniko, also behind an interpreter") {
  for (const Words& front : {Words{"/kaniko/executor"}, Words{"/busybox/sh", "/kaniko/executor"}}) {
    Words args = front;
    for (const char* word : {"--dockerfile=Dockerfile", "--context", "dir:///workspace",
                             "--destination", "reg/evil:1", "--build-arg=TOKEN=***"})
      args.emplace_back(word);
    auto caller = process(args, "executor");
    caller.exe = "/kaniko/executor";
    const auto out = read_arguments(caller);
    REQUIRE(out);
    CHECK(out->request.engine == domain::EngineKind::kKaniko);
    CHECK(out->request.tags == Words{"reg/evil:1"});
    CHECK(out->request.build_arg_names == Words{"TOKEN"});
    CHECK(out->context == "/workspace");
    CHECK(out->files == Words{"Dockerfile"});
  }
}

TEST_CASE("a command line that ends early is read as far as it goes") {
  const Words all{"podman",      "--root", "/r", "build", "-t", "a:1",
                  "--build-arg", "K=v",    "-f", "x",     "."};
  for (std::size_t n = 0; n <= all.size(); ++n)
    (void)read_arguments(
        process(Words(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n)), "podman"));
  SUCCEED();
}

namespace {

// What comes of "conmon …" below `parent`, with a store that has the container.
std::vector<domain::ApiFact> facts_of_conmon(const domain::Process& parent,
                                             domain::Process conmon) {
  const std::string id(64, 'a');
  conmon.pid = parent.pid + 1;
  conmon.ppid = parent.pid;
  Commands commands;
  std::vector<domain::ApiFact> out;
  commands.observe(domain::ProcessExecuted{1, parent}, out);
  commands.observe(domain::ProcessExecuted{2, conmon}, out);
  domain::StoredContainer made;
  made.id = id;
  made.image = "sha256:" + std::string(64, 'e');
  commands.observe(domain::StorageRead{3, conmon.pid, conmon.start, {}, {made}}, out);
  return out;
}

}  // namespace

TEST_CASE("conmon is believed by its file, below podman's") {
  const std::string id(64, 'a');
  const Words args{"conmon", "-c", id, "-b", "/s/overlay-containers/x/userdata"};
  const auto podman = process({"podman", "run", "x"});
  REQUIRE(facts_of_conmon(podman, process(args)).size() == 1);
  const auto told = facts_of_conmon(podman, process(args));
  const auto& made = std::get<domain::ContainerCreated>(told[0]);
  CHECK(made.by_command);
  CHECK(made.container_id == id);
  CHECK(facts_of_conmon(process({"podman", "run", "x"}, "exe"), process(args)).size() == 1);
  CHECK(facts_of_conmon(podman, process(args, "bash")).empty());
  auto other = process(args);
  other.exe = "/tmp/x";
  CHECK(facts_of_conmon(podman, other).empty());
  CHECK(facts_of_conmon(process({"bash"}), process(args)).empty());
  CHECK(facts_of_conmon(process({"podman", "run", "x"}, "bash"), process(args)).empty());
  CHECK(facts_of_conmon(process({"podman", "system", "service"}), process(args)).empty());
}

TEST_CASE("conmon of a container, not of a command in one") {
  const std::string id(64, 'a');
  const auto found = read_monitor(process({"/usr/bin/conmon", "--api-version", "1", "-c", id, "-b",
                                           "/s/overlay-containers/" + id + "/userdata", "-n", "x"},
                                          "conmon"));
  REQUIRE(found);
  CHECK(found->container_id == id);
  CHECK(found->name == "x");
  CHECK(store_of_bundle(found->bundle) == "/s");
  CHECK(store_of_bundle("/s/elsewhere/userdata").empty());
  CHECK(store_of_bundle("userdata").empty());
  CHECK_FALSE(read_monitor(process({"conmon", "-c", id, "-e", "--exec-attach"})));
  CHECK_FALSE(read_monitor(process({"conmon", "--version"})));
  CHECK(serves_api(process({"podman", "system", "service", "--time", "0"})));
  CHECK_FALSE(serves_api(process({"podman", "system", "df"})));
}

TEST_CASE("where the files are") {
  const Surroundings at{"/home/u/src", 1000, "/home/u", ""};
  const auto paths = [&](Words args) { return dockerfile_paths(*read(std::move(args)), at); };
  CHECK(paths({"podman", "build", "."}) ==
        std::vector<Words>{
            {"/home/u/src/./Containerfile", "/home/u/src/./Dockerfile", "/home/u/src/."}});
  CHECK(paths({"podman", "build", "-f", "A", "-f", "/B", "/ctx"}) ==
        std::vector<Words>{{"/home/u/src/A", "/ctx/A"}, {"/B"}});
  CHECK(paths({"podman", "build", "-f", "-", "."}).empty());
  CHECK(paths({"podman", "build", "https://example.org/x.git"}).empty());
  CHECK(store_path(*read({"podman", "build", "."}), at) ==
        "/home/u/.local/share/containers/storage");
  CHECK(store_path(*read({"podman", "--root", "store", "build", "."}), at) == "/home/u/src/store");
  CHECK(store_path(*read({"podman", "build", "."}), {"/", 0, "/root", ""}) ==
        "/var/lib/containers/storage");
}

TEST_CASE("times of the wall clock") {
  CHECK(wall_time("1970-01-01T00:00:01Z") == 1'000'000'000);
  CHECK(wall_time("2026-11-24T14:19:02.998923752Z") == 1'795'529'942'998'923'752);
  CHECK(wall_time("2024-02-29T00:00:00.5Z") == 1'709'164'800'500'000'000);
  for (const char* bad :
       {"", "Z", "2026-11-24T14:19:02", "2026-13-24T14:19:02Z", "2026-11-24 14:19:02Z",
        "2026-11-24T14:19:02.x1Z", "0000-00-00T00:00:00Z", "2023-02-29T00:00:00Z"})
    CHECK(wall_time(bad) == 0);
}

TEST_CASE("the lists of a store") {
  const std::string id(64, '9');
  const auto images = read_images(
      R"([{"id":")" + id + R"(","digest":"sha256:)" + id +
          R"(","names":["localhost/evil:1"],"created":"1970-01-01T00:00:09Z"},{"id":"short"},7])",
      4'000'000'000);
  REQUIRE(images.size() == 1);
  CHECK(images[0].id == "sha256:" + id);
  CHECK(images[0].names == Words{"localhost/evil:1"});
  CHECK(images[0].created == 5'000'000'000);
  const auto containers =
      read_containers(R"([{"id":")" + id + R"(","names":["work"],"image":")" + id + R"("}])", 0);
  REQUIRE(containers.size() == 1);
  CHECK(containers[0].name == "work");
  CHECK(containers[0].image == "sha256:" + id);
  for (const char* bad : {"", "{}", "[", "null", "[[[", "{\"id\":1}"}) {
    CHECK(read_images(bad, 0).empty());
    CHECK(read_containers(bad, 0).empty());
  }
}

TEST_CASE("what a container may do") {
  domain::StoredContainer out;
  read_config(R"({"annotations":{"io.podman.annotations.privileged":"FALSE"},
    "process":{"capabilities":{"bounding":["CAP_CHOWN","CAP_SYS_ADMIN"]}},
    "mounts":[{"type":"bind","source":"/etc","destination":"/host","options":["rbind","ro"]},
              {"type":"proc","source":"proc","destination":"/proc"},
              {"type":"bind","source":"/run/containers/storage/overlay-containers/x/userdata/hosts",
               "destination":"/etc/hosts"}],
    "linux":{"namespaces":[{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"mount"}],
             "maskedPaths":["/proc/kcore"],
             "resources":{"devices":[{"allow":false,"access":"rwm"},
                                     {"allow":true,"type":"c","access":"m"},
                                     {"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"},
                                     {"allow":true,"type":"c","major":136,"access":"rwm"},
                                     {"allow":true,"type":"b","major":8,"minor":0,"access":"rwm"}]}}})",
              out);
  CHECK_FALSE(out.privileged);
  CHECK(out.binds == Words{"/etc:/host:ro"});
  CHECK(out.devices == Words{"b 8:0 rwm"});
  CHECK(out.unconfined == Words{"read-only-paths"});
  CHECK(out.left_out == 0);
  CHECK(out.capabilities == Words{"SYS_ADMIN"});
  CHECK(out.host_namespaces == Words{"net"});
  domain::StoredContainer all;
  read_config(R"({"annotations":{"io.podman.annotations.privileged":"TRUE"}})", all);
  CHECK(all.privileged);
  read_config("[", all);
}

TEST_CASE("the image that a build made") {
  const std::vector<domain::StoredImage> images{{"sha256:a", {}, {"localhost/evil:1"}, 50},
                                                {"sha256:b", {}, {}, 150},
                                                {"sha256:c", {}, {}, 160}};
  CHECK(made_image(images, {"evil:1"}, {100, 200}, {})->id == "sha256:a");  // from the cache
  CHECK(made_image(images, {"other"}, {100, 200}, {}) == nullptr);
  CHECK(made_image(images, {}, {100, 200}, {})->id == "sha256:c");
  CHECK(made_image(images, {}, {200, 300}, {}) == nullptr);
  // Beside another build that gives this tag.
  CHECK(made_image(images, {"evil:1"}, {100, 155}, {{152, 200}})->id == "sha256:b");  // it had it
  CHECK(made_image(images, {"evil:1"}, {100, 155}, {{145, 200}}) == nullptr);         // or made it
  CHECK(made_image(images, {"evil:1"}, {100, 200}, {{152, 200}}) == nullptr);
  CHECK(made_image(images, {"evil:1"}, {200, 300}, {{152, 200}}) == nullptr);
  CHECK(stored_name("evil") == "localhost/evil:latest");
  CHECK(stored_name("quay.io/x/y:1") == "quay.io/x/y:1");
  CHECK(stored_name("x/y") == "localhost/x/y:latest");
}

TEST_CASE("of two builds at once that use one tag each has the image of its own time, or none") {
  // Made when the other one ran, too: either's. Before that: its own.
  for (const domain::TimeNs began : {2, 9}) {
    CAPTURE(began);
    Commands commands;
    std::vector<domain::ApiFact> out;
    auto one = process({"podman", "build", "-t", "x:1", "."});
    auto two = one;
    two.pid = 11;
    commands.observe(domain::ProcessExecuted{1, one}, out);
    commands.observe(domain::ProcessExecuted{began, two}, out);
    commands.observe(domain::ProcessExited{10, one.pid, one.start, 0}, out);
    out.clear();
    const std::vector<domain::StoredImage> images{{"sha256:first", {}, {}, 8},
                                                  {"sha256:last", {}, {"localhost/x:1"}, 11}};
    commands.observe(domain::StorageRead{12, one.pid, one.start, images, {}}, out);
    REQUIRE(out.size() == 1);
    CHECK(std::get<domain::BuildImageAnnounced>(out[0]).id == (began == 9 ? "sha256:first" : ""));
  }
}

TEST_CASE("an unprivileged builder's second process is not its client, though the first was lost") {
  struct Mapping {
    const char* helper = "newuidmap";
    std::uint32_t parent = 20;
    std::uint32_t uid = 1000;
    const char* pid = "21";
    bool before = false;  // of an older process of that number
    bool second = true;
    domain::TimeNs after = 1;  // it executes the builder
  };
  for (const Mapping& one :
       {Mapping{}, Mapping{"newgidmap"}, Mapping{"newuidmap", 19, 1000, "21", false, false},
        Mapping{"newuidmap", 20, 0, "21", false, false},
        Mapping{"newuidmap", 20, 1000, "22", false, false},
        Mapping{"newuidmap", 20, 1000, "21x", false, false},
        Mapping{"newuidmap", 20, 1000, "21", true, false},
        Mapping{"newuidmap", 20, 1000, "21", false, true, kMappedKept},
        Mapping{"newuidmap", 20, 1000, "21", false, false, kMappedKept + 1}}) {
    CAPTURE(one.helper, one.parent, one.uid, one.pid, one.before, one.after);
    Commands commands;
    std::vector<domain::ApiFact> out;
    auto mapping = process({one.helper, one.pid, "0", "1000", "1"});
    mapping.comm = one.helper;
    mapping.pid = 30;
    mapping.ppid = one.parent;
    mapping.uid = one.uid;
    auto again = process({"podman", "build", "-t", "x:1", "."});
    again.pid = 21;
    again.ppid = 20;
    again.uid = 1000;
    const auto time = again.start + 1;
    commands.observe(domain::ProcessExecuted{one.before ? again.start - 1 : time, mapping}, out);
    commands.observe(domain::ProcessExecuted{time + one.after, again}, out);
    REQUIRE_FALSE(out.empty());
    const auto& asked = std::get<domain::BuildRequested>(out[0]);
    CHECK(asked.command->client.pid == (one.second ? 20U : 21U));
    CHECK(asked.command->late == one.second);
    CHECK((out.size() == 2) == one.second);
  }
}

TEST_CASE(
    "an image is nobody's for certain that another build may have made, also when that is over") {
  Commands commands;
  std::vector<domain::ApiFact> out;
  constexpr domain::TimeNs kSecond = 1'000'000'000;
  auto one = process({"podman", "build", "."});
  auto two = one;
  two.pid = 11;
  auto other = process({"podman", "run", "x"});
  other.pid = 12;
  commands.observe(domain::ProcessExecuted{1 * kSecond, one}, out);
  commands.observe(domain::ProcessExecuted{2 * kSecond, two}, out);
  commands.observe(domain::ProcessExited{5 * kSecond, two.pid, two.start, 0}, out);
  commands.observe(domain::ProcessExecuted{11 * kSecond, other}, out);
  commands.observe(domain::ProcessExited{20 * kSecond, one.pid, one.start, 0}, out);
  other.pid = 13;  // before the store is read
  commands.observe(domain::ProcessExecuted{20 * kSecond + 1, other}, out);
  out.clear();
  const std::vector<domain::StoredImage> images{{"sha256:other", {}, {}, 4 * kSecond}};
  commands.observe(domain::StorageRead{21 * kSecond, one.pid, one.start, images, {}}, out);
  CHECK(out.empty());
}

TEST_CASE("a build that is over is kept for those whose image it may have made only") {
  constexpr domain::TimeNs kSecond = 1'000'000'000;
  const auto open = process({"podman", "build", "-t", "x:1", "."});
  auto same = open, another_tag = process({"podman", "build", "-t", "y:1", "."}),
       another_user = open;
  another_user.uid = 1;
  for (auto* over : {&same, &another_tag, &another_user}) {
    Commands commands;
    std::vector<domain::ApiFact> out;
    over->pid = 11;
    commands.observe(domain::ProcessExecuted{1 * kSecond, open}, out);
    commands.observe(domain::ProcessExecuted{2 * kSecond, *over}, out);
    commands.observe(domain::ProcessExited{3 * kSecond, over->pid, over->start, 0}, out);
    commands.observe(domain::ProcessExecuted{20 * kSecond, process({"true"})}, out);
    CHECK(commands.size() == (over == &same ? 2 : 1));
  }
}

TEST_CASE("conmon below a process that has a finished build's number is nobody's") {
  constexpr domain::TimeNs kSecond = 1'000'000'000;
  const std::string id(64, 'a');
  for (const bool over : {true, false}) {
    Commands commands;
    std::vector<domain::ApiFact> out;
    auto longer = process({"podman", "build", "-t", "x:1", "."}), build = longer;
    build.pid = 11;
    auto conmon = process({"conmon", "-c", id, "-b", "/s/overlay-containers/x/userdata"});
    conmon.pid = 12;
    conmon.ppid = build.pid;
    commands.observe(domain::ProcessExecuted{1 * kSecond, longer}, out);
    commands.observe(domain::ProcessExecuted{2 * kSecond, build}, out);
    const auto ends = domain::ProcessExited{3 * kSecond, build.pid, build.start, 0};
    if (over) commands.observe(ends, out);
    commands.observe(domain::ProcessExecuted{20 * kSecond, conmon}, out);
    out.clear();
    domain::StoredContainer made;
    made.id = id;
    commands.observe(domain::StorageRead{20 * kSecond + 1, 12, conmon.start, {}, {made}}, out);
    CHECK(out.empty() == over);
  }
}

TEST_CASE("who has a container started is known for as long as it takes to start it") {
  constexpr domain::TimeNs kSecond = 1'000'000'000;
  const std::string id(64, 'a');
  Commands commands;
  std::vector<domain::ApiFact> out;
  auto mapping = process({"newuidmap", "21", "0", "1000", "1"});
  mapping.pid = 30;
  mapping.ppid = 20;
  auto run = process({"podman", "run", "x"});
  run.pid = 21;
  run.ppid = 20;
  auto conmon = process({"conmon", "-c", id, "-b", "/s/overlay-containers/x/userdata"});
  conmon.pid = 22;
  conmon.ppid = 21;
  commands.observe(domain::ProcessExecuted{1 * kSecond, mapping}, out);
  commands.observe(domain::ProcessExecuted{2 * kSecond, run}, out);
  mapping.pid = 31;  // while an image is pulled somebody else maps
  mapping.ppid = 40;
  commands.observe(domain::ProcessExecuted{40 * kSecond, mapping}, out);
  commands.observe(domain::ProcessExecuted{41 * kSecond, conmon}, out);
  domain::StoredContainer made;
  made.id = id;
  commands.observe(domain::StorageRead{41 * kSecond + 1, 22, conmon.start, {}, {made}}, out);
  REQUIRE(out.size() == 1);
  CHECK(std::get<domain::ContainerCreated>(out[0]).client->pid == 20);
}

TEST_CASE("calls of commands are none of connections") {
  CHECK(call_of(process({"podman"})).conn >> 63 == 1);
  auto later = process({"podman"});
  later.start += 1'000'000;
  CHECK(call_of(later) != call_of(process({"podman"})));
}

}  // namespace kilnwatch::engine::command
