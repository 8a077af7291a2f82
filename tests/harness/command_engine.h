// What the kernel and the files say when podman, buildah or kaniko build, as events of a recording.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "domain/event.h"
#include "harness/mangle.h"

namespace kilnwatch::test {

class CommandEngine {
 public:
  static constexpr domain::TimeNs kMs = 1'000'000;
  static domain::TimeNs at(std::uint64_t ms) { return ms * kMs + 1'000'000'000'000; }

  static domain::StoredContainer stored(std::string id, std::string name, std::string image) {
    domain::StoredContainer out;
    out.id = std::move(id);
    out.name = std::move(name);
    out.image = std::move(image);
    return out;
  }

  struct Program {
    std::uint32_t pid = 0;
    std::uint32_t ppid = 1;
    std::vector<std::string> args;
    std::string exe = {};
    std::string comm = {};
    std::string cgroup = "user.slice/session.scope";
    std::uint64_t cgroup_id = 50;
    std::uint32_t uid = 0;
  };
  void fork(std::uint64_t ms, std::uint32_t parent, std::uint32_t pid) {
    starts_[pid] = at(ms);
    put(domain::ProcessForked{at(ms), parent, pid, at(ms)});
  }
  // Forked a moment before, unless it is known.
  domain::Process execute(std::uint64_t ms, Program program) {
    if (!starts_.contains(program.pid)) {
      starts_[program.pid] = at(ms) - kMs / 2;
      if (program.ppid > 1)
        put(domain::ProcessForked{at(ms) - kMs / 2, program.ppid, program.pid,
                                  starts_[program.pid]});
    }
    domain::Process process;
    process.pid = program.pid;
    process.ppid = program.ppid;
    process.start = starts_[program.pid];
    process.uid = program.uid;
    process.args = program.args;
    process.exe = program.exe.empty() ? "/usr/bin/" + program.args.front() : program.exe;
    process.comm = program.comm.empty()
                       ? process.exe.substr(process.exe.rfind('/') + 1).substr(0, 15)
                       : program.comm;
    process.cgroup = {program.cgroup_id, program.cgroup};
    put(domain::ProcessExecuted{at(ms), process});
    programs_[program.pid] = process;
    return process;
  }
  void exit(std::uint64_t ms, std::uint32_t pid, std::uint32_t code = 0) {
    put(domain::ProcessExited{at(ms), pid, starts_[pid], code});
  }
  void dockerfile(std::uint64_t ms, std::uint32_t pid, const std::string& text) {
    put(domain::DockerfileRead{at(ms) + 1, pid, starts_[pid], "/ctx/Dockerfile", text,
                               std::string(64, 'f')});
  }
  void store(std::uint64_t ms, std::uint32_t pid, std::vector<domain::StoredImage> images,
             std::vector<domain::StoredContainer> containers = {}) {
    put(domain::StorageRead{at(ms) + 1, pid, starts_[pid], std::move(images),
                            std::move(containers)});
  }
  // `pid` connects, and is refused.
  void connect(std::uint64_t ms, std::uint32_t pid, const std::string& ip,
               std::uint16_t port = 80) {
    domain::Process process = programs_[pid];
    process.exe.clear();
    process.args.clear();
    const domain::EgressId id = at(ms) << 8;
    put(domain::EgressStarted{
        at(ms), id, 6, domain::Outcome::kPending, {ip, port}, std::move(process)});
    put(domain::EgressOutcome{at(ms) + kMs, id, domain::Outcome::kRefused});
  }

  // A RUN step of buildah's in a container of a runtime's: pids from `pid` on, below `builder`.
  // The command's own process is pid + 2; it forks pid + 4, which connects.
  struct Step {
    std::uint32_t builder = 0;
    std::uint32_t pid = 0;
    std::string line;
    std::string ip = {};
    std::string runtime = "crun";
    std::string cgroup = {};  // empty: none of its own
    std::uint64_t length = 400;
  };
  void step(std::uint64_t ms, const Step& step) {
    const std::uint32_t launcher = step.pid, maker = step.pid + 1, first = step.pid + 2;
    const std::string id = "buildah-buildah" + std::to_string(step.pid);
    itself(ms, launcher, step.builder, "buildah-oci-runtime");
    execute(ms + 10, {maker,
                      launcher,
                      {"/usr/bin/" + step.runtime, "create", "--bundle",
                       "/var/tmp/buildah" + std::to_string(step.pid), id},
                      "/usr/bin/" + step.runtime});
    fork(ms + 20, maker, first);
    if (step.runtime == "runc") {
      Program init{first, maker, {"/usr/bin/runc", "init"}, "/usr/bin/runc", "runc:[2:INIT]"};
      execute(ms + 25, init);
      if (!step.cgroup.empty()) {  // it executes itself again, where the command will run
        init.exe = "/memfd:runc_cloned:/proc/self/exe (deleted)";
        init.cgroup = step.cgroup;
        init.cgroup_id = 1000 + step.pid;
        execute(ms + 28, init);
      }
    }
    exit(ms + 30, maker);
    execute(ms + 40, {step.pid + 3,
                      launcher,
                      {"/usr/bin/" + step.runtime, "start", id},
                      "/usr/bin/" + step.runtime});
    Program command{first, launcher, {"/bin/sh", "-c", step.line}, "/bin/sh"};
    if (!step.cgroup.empty()) {
      command.cgroup = step.cgroup;
      command.cgroup_id = 1000 + step.pid;
    }
    execute(ms + 60, command);
    exit(ms + 70, step.pid + 3);
    run_in(ms + 80, command, step.pid + 4, step.ip);
    exit(ms + step.length, first);
    exit(ms + step.length + 20, launcher);
  }
  // The same in a chroot: pid + 2 executes the command, pid + 4 connects.
  void chroot_step(std::uint64_t ms, const Step& step) {
    itself(ms, step.pid, step.builder, "buildah-chroot-runtime");
    itself(ms + 10, step.pid + 1, step.pid, "buildah-chroot-exec");
    Program command{step.pid + 2, step.pid + 1, {"/bin/sh", "-c", step.line}, "/bin/sh"};
    execute(ms + 60, command);
    run_in(ms + 80, command, step.pid + 4, step.ip);
    exit(ms + step.length, step.pid + 2);
    exit(ms + step.length + 10, step.pid + 1);
    exit(ms + step.length + 20, step.pid);
  }
  // podman has a container started: conmon is `pid`, below `client`.
  void container(std::uint64_t ms, std::uint32_t pid, std::uint32_t client, const std::string& id,
                 const std::string& name, domain::StoredImage image) {
    execute(ms, {pid,
                 client,
                 {"/usr/bin/conmon", "--api-version", "1", "-c", id, "-u", id, "-r",
                  "/usr/bin/crun", "-b",
                  "/var/lib/containers/storage/overlay-containers/" + id + "/userdata", "-n", name},
                 "/usr/bin/conmon"});
    auto made = stored(id, name, image.id);
    store(ms, pid, {std::move(image)}, {std::move(made)});
  }
  Events events() const {
    Events out = events_;
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
      return domain::time_of(a) < domain::time_of(b);
    });
    return out;
  }
  void put(domain::Event event) { events_.push_back(std::move(event)); }

 private:
  // A builder that executes itself under another name.
  void itself(std::uint64_t ms, std::uint32_t pid, std::uint32_t parent, const std::string& name) {
    execute(ms, {pid, parent, {name}, "/usr/bin/podman", "exe"});
  }
  void run_in(std::uint64_t ms, Program above, std::uint32_t pid, const std::string& ip) {
    if (ip.empty()) return;
    above.ppid = above.pid;
    above.pid = pid;
    above.args = {"wget", "http://" + ip + "/"};
    above.exe = "/bin/wget";
    execute(ms, above);
    connect(ms + 5, pid, ip);
    exit(ms + 20, pid);
  }
  std::map<std::uint32_t, domain::TimeNs> starts_;
  std::map<std::uint32_t, domain::Process> programs_;
  Events events_;
};

}  // namespace kilnwatch::test
