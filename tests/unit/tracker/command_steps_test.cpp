// Steps of builds that are commands: whose they are, and for how long.
#include <catch2/catch_test_macros.hpp>

#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using namespace kilnwatch::test;

namespace {

using Words = std::vector<std::string>;

// podman on the host that builds in a chroot: no step has a PID namespace of its own.
class Podman {
 public:
  explicit Podman(Scene& scene, const std::string& name = "podman") : scene_(scene) {
    Process podman = of(10, 1, {name, "build", "."});
    podman.comm = name;
    scene_.see(ProcessExecuted{100 * kMs, podman});
    if (name != "podman") return;
    BuildRequested build;
    build.time = 100 * kMs;
    build.call = call;
    build.engine = EngineKind::kPodman;
    build.command.emplace();
    build.command->client = podman;
    scene_.learn(build);
    scene_.dockerfile(call.conn, 101 * kMs, {"FROM x", "RUN wget -b http://192.0.2.1/", "RUN b"});
  }
  // Its first process is `pid` + 2, which forks `pid` + 3.
  void step(TimeNs time, std::uint32_t pid, const std::string& command) {
    run(time, pid, 10, {"buildah-chroot-runtime"}, "exe");
    run(time + kMs, pid + 1, pid, {"buildah-chroot-exec"}, "exe");
    run(time + 2 * kMs, pid + 2, pid + 1, {"/bin/sh", "-c", command}, "sh");
    run(time + 3 * kMs, pid + 3, pid + 2, {"wget", "http://192.0.2.1/"}, "wget");
  }
  void connect(TimeNs time, std::uint32_t pid, std::uint64_t egress) {
    scene_.see(
        EgressStarted{time, egress, 6, Outcome::kPending, {"192.0.2.1", 80}, of(pid, pid - 1, {})});
    scene_.see(EgressOutcome{time + kMs, egress, Outcome::kRefused});
  }
  void leave(TimeNs time, std::uint32_t pid) { scene_.see(ProcessExited{time, pid, pid, 0}); }
  CallId call{1 << 20, 0};

 private:
  static Process of(std::uint32_t pid, std::uint32_t ppid, Words args) {
    Process process;
    process.pid = pid;
    process.ppid = ppid;
    process.start = pid;
    process.comm = "wget";
    process.args = std::move(args);
    process.cgroup = {9, "user.slice/session.scope"};
    return process;
  }
  void run(TimeNs time, std::uint32_t pid, std::uint32_t parent, Words args,
           const std::string& comm) {
    scene_.see(ProcessForked{time - 1, parent, pid, pid});
    Process process = of(pid, parent, std::move(args));
    process.comm = comm;
    process.exe = "/bin/" + comm;
    scene_.see(ProcessExecuted{time, process});
  }
  Scene& scene_;
};

}  // namespace

TEST_CASE("What a step in a chroot left running is the step's for as long as it runs") {
  for (const TimeNs later : {3, 30, 300}) {
    CAPTURE(later);
    Scene scene;
    Podman podman(scene);
    podman.step(200 * kMs, 20, "wget -b http://192.0.2.1/");
    podman.leave(300 * kMs, 22);
    podman.step(400 * kMs, 30, "b");
    scene.pass(200 * kMs + later * 1000 * kMs);
    podman.connect(300 * kMs + later * 1000 * kMs, 23, 1);
    scene.pass(400'000 * kMs);
    REQUIRE(scene.of(Rule::kBuildEgress).size() == 1);
    const auto found = scene.of(Rule::kBuildEgress)[0];
    CHECK(found.step->instruction == "RUN wget -b http://192.0.2.1/");
    CHECK(found.step->attribution == Attribution::kExact);
    CHECK(scene.of(Rule::kSensorBlind).empty());
  }
}

TEST_CASE("A step is forgotten when its last process is gone") {
  Scene scene;
  Podman podman(scene);
  podman.step(200 * kMs, 20, "wget -b http://192.0.2.1/");
  podman.leave(300 * kMs, 22);
  scene.pass(20'000 * kMs);
  CHECK(scene.tracker().held().containers == 1);
  podman.leave(20'001 * kMs, 23);
  scene.pass(30'000 * kMs);
  scene.pass(40'000 * kMs);
  CHECK(scene.tracker().held().containers == 0);
}

TEST_CASE("A step of a build that is not known is said, once, and where it is in no container") {
  for (const std::string name : {"podman", "p"}) {
    CAPTURE(name);
    Scene scene;
    Podman podman(scene, name);
    podman.step(200 * kMs, 20, "wget -b http://192.0.2.1/");
    scene.pass(1000 * kMs);
    const auto blind = scene.of(Rule::kSensorBlind);
    REQUIRE(blind.size() == (name == "p" ? 1 : 0));
    if (blind.empty()) continue;
    CHECK(blind[0].health->cause == "unknown-builder");
    podman.connect(1100 * kMs, 23, 1);
    scene.pass(5000 * kMs);
    CHECK(scene.of(Rule::kBuildEgress).empty());
    CHECK(scene.of(Rule::kSensorBlind).size() == 1);
  }
}
