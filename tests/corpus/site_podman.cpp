// `podman build` and `podman run` of a Site, as commands.
#include <algorithm>

#include "harness/archive.h"
#include "harness/local_client.h"
#include "harness/podman.h"
#include "site.h"

namespace kilnwatch::test::corpus {

using namespace domain;

std::uint64_t Site::podman(const Build& build, std::uint64_t ms, const std::string& image) {
  const Cgroup place = cgroup(build.asker.cgroup);
  const std::uint32_t uid = build.asker.uid;
  const Process command = execute(ms + 1, fork(ms, 1), 1, "/usr/bin/podman",
                                  {"podman", "build", "-t", build.tag, "."}, place, uid);
  std::uint32_t builder = command.pid;
  Process inner;
  if (build.rootless) {  // it executes itself in a user namespace of its own
    inner = execute(ms + 40, fork(ms + 39, builder), builder, "/usr/bin/podman", command.args,
                    place, uid);
    builder = inner.pid;
  }
  put(DockerfileRead{at(ms + 2), command.pid, command.start, "/ctx/Dockerfile",
                     build.plan.dockerfile, std::string(64, 'f')});
  ms += 200;
  std::size_t runs = 0;
  for (const Step& step : build.plan.steps) {
    ms += 60;
    if (step.is_run && runs++ >= build.cached) ms = podman_step(build, step, ms, builder);
  }
  if (build.rootless) exit(ms + 20, inner);
  exit(ms += 30, command);
  StoredImage stored{image, {}, {"localhost/" + build.tag}, at(ms - 20)};
  put(StorageRead{at(ms) + 1, command.pid, command.start, {stored}, {}});
  if (build.run) run_podman(build, ms + build.run->after, stored);
  return ms + 2;
}

// `podman system service` is asked for it.
std::uint64_t Site::podman_api(const Build& build, std::uint64_t ms, const std::string& image) {
  const ConnId conn = ++last_conn_;
  const Process client = execute(ms + 1, fork(ms, 1), 1, build.asker.exe, build.asker.args,
                                 cgroup(build.asker.cgroup), build.asker.uid);
  meet_client(events_, {EngineKind::kPodman, kPodman, "/run/podman/podman.sock"}, client, conn,
              conn + 1'000'000, at(ms + 3), at(ms + 4));
  ask(conn, ms += 10,
      with_length(build.request, tar_entry("Dockerfile", build.plan.dockerfile) + tar_end()));
  answer(conn, ms += 60, kChunkedOk);
  std::size_t number = 0;
  for (const Step& step : build.plan.steps) {
    answer(conn, ms += 60,
           podman_says("STEP " + std::to_string(++number) + "/" +
                       std::to_string(build.plan.steps.size()) + ": " + step.text + "\\n"));
    if (step.is_run) ms = podman_step(build, step, ms + 50, kPodman);
  }
  answer(conn, ms += 50, podman_says(image.substr(7) + "\\n"));
  answer(conn, ms += 2, "0\r\n\r\n");
  put(ConnClosed{at(ms + 5), conn});
  exit(ms + 6, client);
  return ms + 6;
}

std::uint64_t Site::podman_step(const Build& build, const Step& step, std::uint64_t ms,
                                std::uint32_t builder) {
  const Cgroup above = cgroup(build.asker.cgroup);
  const std::uint32_t uid = build.asker.uid;
  const std::string id = "buildah-buildah" + std::to_string(ms);
  const Process launcher = execute(ms + 1, fork(ms, builder), builder, "/usr/bin/podman",
                                   {"buildah-oci-runtime"}, above, uid);
  const Process maker =
      execute(ms + 10, fork(ms + 9, launcher.pid), launcher.pid, "/usr/bin/crun",
              {"/usr/bin/crun", "create", "--bundle", "/var/tmp/buildah" + std::to_string(ms), id},
              above, uid);
  const std::uint32_t pid = fork(ms + 20, maker.pid);
  exit(ms + 30, maker);
  const Process starter = execute(ms + 40, fork(ms + 39, launcher.pid), launcher.pid,
                                  "/usr/bin/crun", {"/usr/bin/crun", "start", id}, above, uid);
  std::string line = step.text.substr(step.text.find(' ') + 1);
  while (line.starts_with("--")) line = line.substr(line.find(' ') + 1);
  // The number of a network below a user namespace is not told.
  Place place{id, {}, build.rootless ? 0 : ++last_net_, &build};
  place.shell =
      execute(ms + 60, pid, launcher.pid, "/bin/sh", {"/bin/sh", "-c", line},
              build.rootless ? above : cgroup("machine.slice/crun-" + id + ".scope"), uid);
  exit(ms + 70, starter);
  ms = std::max(fetch_all(place, step, ms + 80), ms + 80 + build.pace);
  exit(ms, place.shell);
  exit(ms + 20, launcher);
  return ms + 30;
}

void Site::run_podman(const Build& build, std::uint64_t ms, const StoredImage& image) {
  const Run& run = *build.run;
  const Cgroup place = cgroup(build.asker.cgroup);
  const Process command =
      execute(ms + 1, fork(ms, 1), 1, "/usr/bin/podman",
              {"podman", "run", "--name", run.name, build.tag}, place, build.asker.uid);
  const std::string id = hex(64);
  const Process conmon = execute(
      ms + 100, fork(ms + 99, command.pid), command.pid, "/usr/bin/conmon",
      {"/usr/bin/conmon", "--api-version", "1", "-c", id, "-u", id, "-r", "/usr/bin/crun", "-b",
       "/var/lib/containers/storage/overlay-containers/" + id + "/userdata", "-n", run.name},
      place, build.asker.uid);
  StoredContainer made;
  made.id = id;
  made.name = run.name;
  made.image = image.id;
  made.privileged = run.privileged;
  made.binds = run.binds;
  put(StorageRead{at(ms + 100) + 1, conmon.pid, conmon.start, {image}, {made}});
  exit(ms + 400, conmon);
  exit(ms + 410, command);
}

}  // namespace kilnwatch::test::corpus
