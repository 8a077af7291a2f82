#include "identity/container.h"

#include <catch2/catch_test_macros.hpp>

using kilnwatch::identity::container_of;

namespace {

const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kStep = "abcdefghijklmnopqrstuvwx0";  // BuildKit: 25 of base 36

std::string of(const std::string& path) { return container_of({1, path}); }

}  // namespace

TEST_CASE("The container behind a cgroup, as each engine names it") {
  CHECK(of("docker/" + kId) == kId);
  CHECK(of("system.slice/docker-" + kId + ".scope") == kId);
  CHECK(of("user.slice/user-1000.slice/user@1000.service/user.slice/docker-" + kId + ".scope") ==
        kId);
  CHECK(of("kubepods.slice/kubepods-pod1.slice/cri-containerd-" + kId + ".scope") == kId);
  CHECK(of("kubepods/besteffort/pod1/" + kId) == kId);
  CHECK(of("kubepods.slice/crio-" + kId + ".scope") == kId);
  CHECK(of("machine.slice/libpod-" + kId + ".scope") == kId);
  CHECK(of("machine.slice/libpod-" + kId + ".scope/container") == kId);
  CHECK(of("docker/buildkit/" + kStep) == kStep);
  CHECK(of("system.slice/system.slice:docker:" + kId) == kId);
  CHECK(of("system.slice/docker.service:buildkit:" + kStep) == kStep);
  CHECK(of(kId) == kId);
}

TEST_CASE("The innermost container counts") {
  const std::string inner(64, 'b');
  CHECK(of("docker/" + kId + "/docker/" + inner) == inner);
  CHECK(of("docker/" + kId + "/init.scope") == kId);
}

TEST_CASE("All containers of a path, outermost first") {
  using kilnwatch::identity::containers_of;
  using List = std::vector<std::string>;
  const std::string inner(64, 'b');
  CHECK(containers_of({1, ""}) == List{});
  CHECK(containers_of({1, "system.slice/docker.service"}) == List{});
  CHECK(containers_of({1, "system.slice/docker-" + kId + ".scope/init"}) == List{kId});
  CHECK(containers_of({1, "docker/" + kId + "/docker/" + inner}) == List{kId, inner});
  CHECK(containers_of({1, "docker-" + kId + ".scope/docker/buildkit/" + kStep}) ==
        List{kId, kStep});
  CHECK(containers_of({1, kId + "/" + inner + "/" + kId}) == List{kId, inner, kId});
}

TEST_CASE("What is no container") {
  CHECK(of("").empty());
  CHECK(of("/").empty());
  CHECK(of("system.slice/docker.service").empty());
  CHECK(of("system.slice/docker-short.scope").empty());
  CHECK(of("docker/" + kId.substr(1)).empty());
  CHECK(of("docker/" + kId + "0").empty());
  CHECK(of("docker/" + std::string(64, 'G')).empty());
  CHECK(of("machine.slice/libpod-conmon-" + kId + ".scope").empty());
  CHECK(of("somewhere/" + kStep).empty());  // not below buildkit
}

TEST_CASE("An engine that is not dockerd is known by the container's own name only") {
  using kilnwatch::identity::of_other_engine;
  CHECK(of_other_engine({1, "kubepods.slice/cri-containerd-" + kId + ".scope"}));
  CHECK(of_other_engine({1, "machine.slice/libpod-" + kId + ".scope/container"}));
  CHECK(of_other_engine({1, "a/crio-" + kId + ".scope"}));
  CHECK_FALSE(of_other_engine({1, "system.slice/docker-" + kId + ".scope"}));
  CHECK_FALSE(of_other_engine({1, "libpod-" + kId + ".scope/" + kId}));  // cgroupparent
  CHECK_FALSE(of_other_engine({1, "kubepods/" + kId}));
  CHECK_FALSE(of_other_engine({1, ""}));
}

TEST_CASE("A step of BuildKit's runs under dockerd's own runtime") {
  using kilnwatch::identity::runs_buildkit_step;
  kilnwatch::domain::Process dockerd, runc;
  dockerd.comm = "dockerd";
  runc.comm = "runc";
  const std::string root = "/var/lib/docker/buildkit/executor/";
  const std::vector<std::string> args = {
      "runc", "--log",    root + "runc-log.json", "--log-format", "json",
      "run",  "--bundle", root + kStep,           "--keep",       kStep};
  runc.args = args;
  CHECK(runs_buildkit_step(runc, &dockerd, kStep));
  CHECK(runs_buildkit_step(runc, nullptr, kStep));
  CHECK_FALSE(runs_buildkit_step(runc, &runc, kStep));
  CHECK_FALSE(runs_buildkit_step(runc, &dockerd, "abcdefghijklmnopqrstuvwx1"));
  CHECK_FALSE(runs_buildkit_step(runc, &dockerd, kId));
  runc.cgroup.path = "docker/" + kId;  // a container's own
  CHECK_FALSE(runs_buildkit_step(runc, &dockerd, kStep));
  runc.cgroup.path.clear();
  for (std::size_t n = 0; n < args.size(); ++n) {
    runc.args.assign(args.begin(), args.begin() + static_cast<std::ptrdiff_t>(n));
    CHECK_FALSE(runs_buildkit_step(runc, &dockerd, kStep));
  }
}

TEST_CASE("A shim says in whose service it is") {
  using kilnwatch::identity::of_other_namespace;
  kilnwatch::domain::Process shim;
  const auto of = [&shim](std::vector<std::string> args) {
    shim.args = std::move(args);
    return of_other_namespace(shim);
  };
  CHECK_FALSE(of({}));
  CHECK_FALSE(of({"containerd-shim-runc-v2", "-namespace"}));
  CHECK_FALSE(of({"containerd-shim-runc-v2", "-namespace", "moby", "-id", kId}));
  CHECK(of({"containerd-shim-runc-v2", "-namespace", "k8s.io", "-id", kId}));
  CHECK(of({"containerd-shim-runc-v2", "-id", kId, "-namespace", "default"}));
}
