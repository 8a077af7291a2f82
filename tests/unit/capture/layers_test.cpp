#include "capture/live/layers.h"

#include <catch2/catch_test_macros.hpp>
#include <sstream>

using namespace kilnwatch;

namespace {

const std::string kId(25, 'k');
const std::string kBundle = "/var/lib/docker/buildkit/executor/" + kId;

domain::Process runtime() {
  domain::Process process;
  process.comm = "runc";
  process.args = {"runc", "--log", "x", "run", "--bundle", kBundle, "--keep", kId};
  return process;
}

capture::Layers layers(const std::string& lines) {
  std::istringstream in(lines);
  return capture::layers_in(in, kBundle + "/rootfs");
}

std::string mount(const std::string& at, const std::string& options) {
  return "1017 31 0:52 / " + at + " rw,relatime shared:255 - overlay overlay rw," + options + "\n";
}

}  // namespace

TEST_CASE("The runtime of a step says where its root is") {
  CHECK(capture::step_root_of(runtime()) == kBundle + "/rootfs");
  auto other = runtime();
  other.args.back() = "other";
  CHECK(capture::step_root_of(other).empty());
  other = runtime();
  other.comm = "sh";
  CHECK(capture::step_root_of(other).empty());
  other.args = {"runc", "run", "--bundle"};
  other.comm = "runc";
  CHECK(capture::step_root_of(other).empty());
  other.args.clear();
  CHECK(capture::step_root_of(other).empty());
}

TEST_CASE("The layers of a root, as dockerd and as containerd mount it") {
  const std::string root = kBundle + "/rootfs";
  const std::string store = "/var/lib/docker/overlay2/";
  auto found = layers(
      "22 1 254:0 / / rw - ext4 /dev/vda rw\n" + mount(root + "x", "lowerdir=/a,upperdir=/b") +
      mount(root, "lowerdir=" + store + "l/AAA:" + store + "l/BBB,upperdir=" + store +
                      "k1/diff,workdir=" + store + "k1/work"));
  CHECK(found.upper == store + "k1/diff");
  CHECK(found.lower == std::vector<std::string>{"l/AAA", "l/BBB"});
  found = layers(mount(root, "lowerdir=l/AAA:l/BBB,upperdir=k1/diff,workdir=k1/work"));
  CHECK(found.upper == "k1/diff");
  CHECK(found.lower == std::vector<std::string>{"l/AAA", "l/BBB"});
  const std::string snapshots =
      "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/";
  found = layers(mount(root, "index=off,workdir=" + snapshots + "3/work,upperdir=" + snapshots +
                                 "3/fs,lowerdir=" + snapshots + "2/fs:" + snapshots + "1/fs"));
  CHECK(found.upper == snapshots + "3/fs");
  CHECK(found.lower == std::vector<std::string>{snapshots + "2/fs", snapshots + "1/fs"});
  // Mounted over: what is seen is the last one.
  found = layers(mount(root, "lowerdir=/a,upperdir=/b") + mount(root, "lowerdir=/c,upperdir=/d"));
  CHECK(found.upper == "/d");
  CHECK(found.lower == std::vector<std::string>{"/c"});
}

TEST_CASE("Other mounts, and lines that are none, have no layers") {
  const std::string root = kBundle + "/rootfs";
  CHECK(layers("").upper.empty());
  CHECK(layers("1 2 0:1 / " + root + " rw - ext4 /dev/vda rw,upperdir=/a,lowerdir=/b\n")
            .upper.empty());
  CHECK(layers("\n \n1 2 3\n" + root + " - overlay \n").upper.empty());
  CHECK(layers(mount(root, "")).lower.empty());
  CHECK(layers(mount(root, "lowerdir=,upperdir=")).lower.empty());
  std::string many = "lowerdir=/0";
  for (int i = 1; i < 200; ++i) many += ":/" + std::to_string(i);
  CHECK(layers(mount(root, many)).lower.size() == capture::kMaxLayers);
  CHECK(layers(mount(root, "lowerdir=/" + std::string(300, 'a') + ":/b")).lower ==
        std::vector<std::string>{"/b"});
  const std::string whole = mount(root, "lowerdir=/a:/b,upperdir=/c");
  for (std::size_t cut = 0; cut < whole.size(); ++cut) layers(whole.substr(0, cut));
}

TEST_CASE("A process that runs no step has no layers") {
  domain::Process self;
  self.pid = 1;
  capture::read_layers(self);
  CHECK(self.layers.empty());
  auto gone = runtime();
  gone.pid = 0x7fffffff;
  capture::read_layers(gone);
  CHECK(gone.layers.empty());
  CHECK(gone.layer_born == 0);
}
