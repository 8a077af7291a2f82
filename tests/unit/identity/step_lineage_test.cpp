// Steps of builders without a daemon, by who started whom.
#include "identity/step_lineage.h"

#include <catch2/catch_test_macros.hpp>

namespace kilnwatch::identity {
namespace {

using namespace domain;
using Words = std::vector<std::string>;

class Host {
 public:
  void fork(std::uint32_t parent, std::uint32_t pid) {
    see(ProcessForked{++now_, parent, pid, pid});
  }
  Process execute(std::uint32_t pid, std::uint32_t ppid, Words args, std::string comm = {}) {
    Process process = of(pid, ppid);
    process.comm = comm.empty() ? args[0].substr(args[0].rfind('/') + 1) : std::move(comm);
    process.exe = args[0];
    process.args = std::move(args);
    see(ProcessExecuted{++now_, process});
    return process;
  }
  // Forked, then executed.
  Process run(std::uint32_t pid, std::uint32_t ppid, Words args, std::string comm = {}) {
    fork(ppid, pid);
    return execute(pid, ppid, std::move(args), std::move(comm));
  }
  void exit(std::uint32_t pid) { see(ProcessExited{++now_, pid, pid, 0}); }
  void pass(TimeNs time) { see(Tick{now_ += time}); }
  static Process of(std::uint32_t pid, std::uint32_t ppid = 0, std::string cgroup = "user.slice") {
    Process process;
    process.pid = pid;
    process.ppid = ppid;
    process.start = pid;
    process.cgroup = {9, std::move(cgroup)};
    return process;
  }
  std::string step(const Process& process) const {
    const auto found = steps.step_of(process);
    return found == nullptr ? std::string() : found->id;
  }
  StepLineage steps;
  ProcessTable processes;

 private:
  void see(const Event& event) {
    processes.observe(event);
    steps.observe(event, processes);
  }
  TimeNs now_ = 1000;
};

const std::string kId = "buildah-buildah77";

// podman (10), its runtime's launcher (20), "crun create" (21), the container's process (22).
void create(Host& host, const std::string& runtime = "/usr/bin/crun") {
  host.run(10, 1, {"podman", "build", "."});
  host.run(20, 10, {"buildah-oci-runtime"}, "exe");
  host.run(21, 20, {runtime, "create", "--bundle", "/var/tmp/buildah77", kId});
  host.fork(21, 22);
  host.exit(21);
}

}  // namespace

TEST_CASE("a step is the runtime's container, from its command on") {
  for (const std::string runtime : {"/usr/bin/crun", "runc"}) {
    Host host;
    create(host, runtime);
    if (runtime == "runc") host.execute(22, 21, {"/usr/bin/runc", "init"}, "runc:[2:INIT]");
    CHECK(host.step(Host::of(22)).empty());
    host.run(23, 20, {runtime, "start", kId});
    const auto first = host.execute(22, 20, {"/bin/sh", "-c", "wget x"});
    CHECK(host.step(first) == kId);
    CHECK(host.step(host.run(30, 22, {"wget", "x"})) == kId);
    host.fork(30, 31);
    CHECK(host.step(Host::of(31)) == kId);
    CHECK(host.step(Host::of(23)).empty());
    const auto step = host.steps.step_of(first);
    CHECK(step->container);
    CHECK(step->first == key_of(first));
    CHECK(step->above == std::vector<ProcessKey>{{10, 10}});
  }
}

TEST_CASE("helpers beside the runtime are no steps") {
  Host host;
  create(host);
  CHECK(host.step(host.run(40, 10, {"slirp4netns", "-x"})).empty());
  CHECK(host.step(host.run(41, 20, {"pasta", "-x"})).empty());
  CHECK(host.step(host.run(42, 10, {"buildah-copier"}, "exe")).empty());
}

TEST_CASE("a step's processes are told by cgroup where their lineage was lost") {
  Host host;
  create(host);
  const auto lost = Host::of(50, 1, "machine.slice/crun-" + kId + ".scope");
  CHECK(host.step(lost) == kId);
  CHECK(host.step(Host::of(51, 1, "init/" + kId)) == kId);
  CHECK(host.step(Host::of(52, 1, "machine.slice/crun-buildah-buildah9.scope")).empty());
}

TEST_CASE("in a chroot the forked command is the step") {
  Host host;
  host.run(10, 1, {"podman", "build", "--isolation=chroot", "."});
  host.run(20, 10, {"buildah-chroot-runtime"}, "exe");
  host.run(21, 20, {"buildah-chroot-exec", "/bin/sh", "-c", "x"}, "exe");
  const auto first = host.run(22, 21, {"/bin/sh", "-c", "x"});
  CHECK(host.step(first) == "step-22-22");
  CHECK(host.step(host.run(23, 22, {"wget", "x"})) == "step-22-22");
  CHECK_FALSE(host.steps.step_of(first)->container);
  CHECK(host.steps.step_of(first)->above == std::vector<ProcessKey>{{10, 10}});
}

TEST_CASE("a step that was not seen leaves a gap in the count") {
  Host host;
  create(host);
  CHECK(host.steps.step_of(host.execute(22, 20, {"/bin/sh", "-c", "x"}))->ordinal == 1);
  Host lossy;
  lossy.run(10, 1, {"podman", "build", "."});
  lossy.run(15, 10, {"buildah-oci-runtime"}, "exe");  // nothing more of it
  lossy.fork(10, 16);
  lossy.run(17, 16, {"runc", "start", "buildah-buildah5"});  // nor of this one
  lossy.run(18, 16, {"runc", "state", "buildah-buildah6"});
  create(lossy);
  CHECK(lossy.steps.step_of(lossy.execute(22, 20, {"/bin/sh", "-c", "x"}))->ordinal == 3);
}

TEST_CASE("kaniko's children are steps, one each") {
  Host host;
  const auto executor = host.run(10, 1, {"/kaniko/executor", "--context=/w"});
  CHECK(host.step(executor).empty());
  const auto one = host.run(20, 10, {"/bin/sh", "-c", "x"});
  const auto two = host.run(30, 10, {"/bin/sh", "-c", "y"});
  CHECK(host.step(one) == "step-20-20");
  CHECK(host.step(two) == "step-30-30");
  CHECK(host.step(host.run(31, 30, {"wget"})) == "step-30-30");
  CHECK(host.steps.step_of(two)->above.front() == ProcessKey{10, 10});
  Host other;
  CHECK(other.step(other.run(10, 1, {"/opt/executor"})).empty());
  CHECK(other.step(other.run(20, 10, {"/bin/sh", "-c", "x"})).empty());
}

TEST_CASE("what a step executes stays the step's, whatever it calls itself") {
  Host host;
  create(host);
  host.execute(22, 20, {"/bin/sh", "-c", "x"});
  for (const Words& args : {Words{"buildah-oci-runtime"}, Words{"buildah-chroot-exec", "sh"},
                            Words{"/kaniko/executor"}}) {
    const auto faked = host.run(60, 22, args, "executor");
    CHECK(host.step(faked) == kId);
    CHECK(host.step(host.run(61, 60, {"wget"})) == kId);
  }
}

TEST_CASE("a pid that is used again is no step's") {
  Host host;
  create(host);
  host.execute(22, 20, {"/bin/sh", "-c", "x"});
  auto again = Host::of(22);
  again.start = 99;
  CHECK(host.step(again).empty());
  host.exit(22);
  CHECK(host.step(Host::of(22)) == kId);  // records of other CPUs
  host.pass(6'000'000'000);
  CHECK(host.step(Host::of(22)).empty());
}

TEST_CASE("when all is over nothing is held") {
  Host host;
  create(host);
  host.execute(22, 20, {"/bin/sh", "-c", "x"});
  for (const std::uint32_t pid : {22u, 20u, 10u}) host.exit(pid);
  host.pass(6'000'000'000);
  host.pass(1);
  CHECK(host.steps.size() == 0);
}

}  // namespace kilnwatch::identity
