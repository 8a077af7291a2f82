// What gives a host away, and rule container-powers.
#include "detect/powers.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "baseline/memory_store.h"
#include "detect/detector.h"
#include "unit/detect/moments.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;
using test::has;
using test::kSecond;
using test::kWall;
using tracker::Moment;
using tracker::MomentKind;
using Words = std::vector<std::string>;

namespace {

const std::string kJob(64, 'a');

struct Bench {
  explicit Bench(const std::string& text = {}) { test::configure(detector, text); }
  std::optional<Finding> judge(const Moment& moment) { return detector.judge(moment); }
  Severity severity(const Moment& moment) {
    const auto found = judge(moment);
    REQUIRE(found);
    return found->severity;
  }
  baseline::MemoryStore store;
  detect::Detector detector{"boot", store, kWall};
};

Client by(std::uint32_t uid, const std::string& container = {},
          const std::string& exe = "/usr/bin/docker") {
  Client client;
  client.process = Process{};
  client.process->uid = uid;
  client.process->exe = exe;
  client.container_id = container;
  return client;
}

Client over_tcp(const std::string& ip) {
  Client client;
  client.transport = Transport::kTcp;
  client.address = {ip, 40'000};
  return client;
}

ContainerCreated with_socket(const std::string& image = "docker:27-cli") {
  ContainerCreated made;
  made.image = image;
  made.binds = {"/var/run/docker.sock:/var/run/docker.sock"};
  return made;
}

Moment started(ContainerCreated made, Client client) {
  static int containers = 0;
  Moment moment;
  moment.kind = MomentKind::kContainerPowers;
  moment.time = 100 * kSecond;
  made.container_id = "c" + std::to_string(++containers);
  moment.key = made.container_id;
  moment.deployment = Deployment{};
  moment.deployment->started = true;
  moment.deployment->client = std::move(client);
  moment.deployment->container = std::move(made);
  return moment;
}

Words takes(const Words& binds, const Words& capabilities = {}, const Words& spaces = {}) {
  ContainerCreated made;
  made.binds = binds;
  made.capabilities = capabilities;
  made.host_namespaces = spaces;
  return detect::powers_of(made).takes;
}

Words reads(const Words& binds) {
  ContainerCreated made;
  made.binds = binds;
  return detect::powers_of(made).reads;
}

}  // namespace

TEST_CASE("Paths and capabilities that give the host away") {
  for (const auto* path : {"/:/host",
                           "/etc:/e",
                           "/etc/:/e",
                           "/var/run/docker.sock:/s",
                           "/root",
                           "/home:/h",
                           "/usr/bin:/b:ro",
                           "/dev/kmsg:/k",
                           "/lib64:/l",
                           "//etc:/e",
                           "/./etc:/e",
                           "/home/..:/h",
                           "/tmp/../..//:/h",
                           "/srv/../etc/ssh:/s",
                           "/var/lib/docker/volumes:/v",
                           "/var/lib/kubelet/pods/../pki:/p",
                           "/run/user/1000:/r",
                           "/run/user/1000/bus:/b",
                           "/run/user/0/x:/x",
                           "/run/user/1000/systemd/private:/p"}) {
    INFO(path);
    CHECK(detect::is_takeover_path(path));
  }
  for (const auto* path :
       {"/home/u/project:/src", "/srv/data:/d", "/etc/localtime:/etc/localtime:ro", "volume:/data",
        "/opt/app:/app", "/var/log/app:/l", "/librarian:/x", "",
        "/var/lib/kubelet/pods/1234/volumes/kubernetes.io~projected/token:/var/run/secrets/x",
        "/var/lib/docker/volumes/cache/_data:/cache", "/run/user/1000/wayland-0:/tmp/wayland-0",
        "/run/user/1000/pulse/native:/p", "/run/user/1000/keyring/ssh:/agent",
        "/var/lib/docker/containers/1234/mounts/shm:/dev/shm"}) {
    INFO(path);
    CHECK_FALSE(detect::is_takeover_path(path));
  }
  for (const auto* name :
       {"SYS_ADMIN", "CAP_SYS_ADMIN", "ALL", "CAP_SYS_PTRACE", "sys_admin", "cap_sys_admin", "all"})
    CHECK(detect::is_takeover_capability(name));
  for (const auto* name : {"NET_BIND_SERVICE", "CAP_CHOWN", ""})
    CHECK_FALSE(detect::is_takeover_capability(name));
}

TEST_CASE("A mount that is read-only gives less, but for sockets") {
  CHECK(takes({"/etc:/e", "/etc/:/other", "/root:/r:ro"}) == Words{"/etc"});
  CHECK(reads({"/etc:/e:ro", "/root:/r:ro,z", "/etc/ssh:/s:ro"}) ==
        Words{"/etc", "/etc/ssh", "/root"});
  for (const auto* bind : {"/:/host:ro,rslave", "/var/run:/r:ro", "/run/docker.sock:/s:ro",
                           "/run/user/1000/docker.sock:/s:ro", "/run/dbus:/d:ro"}) {
    INFO(bind);
    CHECK(takes({bind}).size() == 1);
  }
  for (const auto* bind :
       {"/usr:/u:ro", "/proc:/host/proc:ro", "/sys:/host/sys:ro", "/dev/dri:/dev/dri",
        "/etc/nginx:/etc/nginx:ro", "/run/udev:/run/udev:ro", "/var/log:/l:ro"}) {
    INFO(bind);
    CHECK(takes({bind}).empty());
    CHECK(reads({bind}).empty());
  }
}

TEST_CASE("What devices give") {
  using detect::device_gives;
  using detect::Gives;
  for (const auto* device : {"/dev/sda:rwm",
                             "/dev/sda1:rw",
                             "/dev/nvme0n1p2:w",
                             "/dev/vda:",
                             "/dev/../dev//xvda:rwm",
                             "/dev/disk/by-id/ata-1:rwm",
                             "/dev/mapper/vg-root:rwm",
                             "/dev/dm-0:rwm",
                             "/dev/md127:rw",
                             "/dev:rwm",
                             "/dev/:rwm",
                             "/dev/mem:rwm",
                             "/dev/mmcblk0:rwm",
                             "/dev/sg0:rwm",
                             "a *:* rwm",
                             "b *:* rwm",
                             "b 8:0 rw",
                             "b 259:* rwm",
                             "c *:* rwm",
                             "c 1:* rwm",
                             "c 1:1 w",
                             "c 21:* rwm"}) {
    INFO(device);
    CHECK(device_gives(device) == Gives::kTakes);
  }
  for (const auto* device :
       {"/dev/sda:r", "/dev/sda:rm", "b 8:0 r", "a *:* r", "/dev/kmsg:rwm", "c 1:11 rwm"}) {
    INFO(device);
    CHECK(device_gives(device) == Gives::kReads);
  }
  for (const auto* device : {"/dev/dri:rwm",
                             "/dev/dri/card0:rwm",
                             "/dev/snd:rwm",
                             "/dev/video0:rwm",
                             "/dev/kvm:rwm",
                             "/dev/fuse:rwm",
                             "/dev/net/tun:rwm",
                             "/dev/ttyUSB0:rwm",
                             "/dev/nvidia0:rwm",
                             "/dev/sr0:rwm",
                             "/dev/loop0:rwm",
                             "/dev/gpiomem:rwm",
                             "/dev/bus/usb:rwm",
                             "/dev/sda:m",
                             "/srv/sda:rwm",
                             "c 189:* rmw",
                             "c 81:* rmw",
                             "b *:* m",
                             "c *:* m",
                             "c 1:3 rwm",
                             "b 7:* rwm",
                             "b 11:0 rwm",
                             "/dev/vdpau_x:rwm",
                             "nonsense",
                             "",
                             "a",
                             "b 8",
                             "x 8:0 rwm"}) {
    INFO(device);
    CHECK((std::string(device) == "a" || std::string(device) == "b 8" ||
           device_gives(device) == Gives::kNothing));
  }
}

TEST_CASE("container-powers: devices, mounts of others, and what confines it") {
  Bench bench;
  const auto given = [](auto change) {
    ContainerCreated made;
    made.image = "alpine";
    change(made);
    return made;
  };
  const auto disk = given([](auto& made) { made.devices = {"/dev/sda:rwm"}; });
  CHECK(bench.severity(started(disk, by(0))) == Severity::kMedium);
  CHECK_FALSE(bench.judge(started(disk, by(0))));  // known
  CHECK(bench.severity(started(disk, over_tcp("198.51.100.9"))) == Severity::kHigh);
  const auto log = given([](auto& made) { made.devices = {"/dev/kmsg:rwm"}; });
  CHECK(bench.severity(started(log, by(0))) == Severity::kLow);
  const auto settings = given([](auto& made) { made.unconfined = {"read-only-paths"}; });
  CHECK(bench.severity(started(settings, by(0))) == Severity::kMedium);
  const auto others = given([](auto& made) { made.volumes_from = {"agent"}; });
  const auto found = bench.judge(started(others, by(0)));
  REQUIRE(found);
  CHECK(has(*found, "volumes-from"));
  CHECK(found->severity == Severity::kLow);
  CHECK(bench.severity(started(others, over_tcp("198.51.100.9"))) == Severity::kHigh);
  const auto many = given([](auto& made) { made.left_out = 1; });
  CHECK(bench.severity(started(many, by(0))) == Severity::kMedium);
  CHECK(bench.severity(started(many, by(0, kJob))) == Severity::kHigh);
  const auto command = given([](auto& made) {
    made.image.clear();
    made.name = "web";
    made.command = true;
  });
  const auto made = bench.judge(started(command, by(0)));
  REQUIRE(made);
  CHECK(made->severity == Severity::kLow);
  CHECK(made->summary == "privileged command in container web, for /usr/bin/docker (uid 0)");
  CHECK_FALSE(bench.judge(started(command, by(0))));
  CHECK(bench.severity(started(command, over_tcp("198.51.100.9"))) == Severity::kHigh);
  // With these alone nobody takes a host over.
  for (const char* what : {"seccomp", "apparmor", "label", "masked-paths"}) {
    INFO(what);
    CHECK_FALSE(bench.judge(
        started(given([&](auto& one) { one.unconfined = {what}; }), over_tcp("198.51.100.9"))));
  }
  for (const char* device : {"/dev/dri:rwm", "/dev/snd:rwm", "/dev/fuse:rwm", "c 189:* rmw"}) {
    INFO(device);
    CHECK_FALSE(bench.judge(started(given([&](auto& one) { one.devices = {device}; }), by(0))));
  }
}

TEST_CASE("Capabilities and namespaces") {
  CHECK(takes({}, {"cap_sys_admin", "SYS_ADMIN", "NET_ADMIN"}) == Words{"SYS_ADMIN"});
  CHECK(takes({}, {"SYS_PTRACE"}).empty());  // a debugger
  CHECK(takes({}, {"SYS_PTRACE"}, {"pid"}) == Words{"SYS_PTRACE"});
  CHECK(takes({}, {}, {"net", "pid", "ipc"}).empty());
}

TEST_CASE("container-powers: by whom it was asked for") {
  Bench bench;
  CHECK(bench.severity(started(with_socket(), by(0))) == Severity::kMedium);
  CHECK(bench.severity(started(with_socket(), over_tcp("127.0.0.1"))) == Severity::kHigh);
  CHECK(bench.severity(started(with_socket(), over_tcp("198.51.100.9"))) == Severity::kHigh);
  CHECK(bench.severity(started(with_socket(), by(0, kJob))) == Severity::kHigh);
  ContainerCreated whole;
  whole.image = "alpine";
  whole.privileged = true;
  whole.binds = {"/:/host"};
  const auto found = bench.judge(started(whole, over_tcp("198.51.100.9")));
  REQUIRE(found);
  CHECK(found->rule == Rule::kContainerPowers);
  CHECK(found->severity == Severity::kHigh);
  CHECK(has(*found, "host-powers"));
  CHECK(has(*found, "client-remote"));
  CHECK(found->summary ==
        "container started with the host's powers, from alpine, for 198.51.100.9");
  std::vector<std::string> techniques;
  for (const auto& technique : found->techniques) techniques.push_back(technique.id);
  CHECK(techniques == Words{"T1133", "T1610", "T1611"});
  // What it can only read.
  ContainerCreated logs;
  logs.image = "grafana/promtail:3";
  logs.binds = {"/var/lib/docker/containers:/c:ro"};
  CHECK(bench.severity(started(logs, by(0))) == Severity::kLow);
  // Nothing of the host.
  ContainerCreated plain;
  plain.image = "nginx";
  plain.binds = {"/srv/web:/web:ro"};
  plain.host_namespaces = {"net"};
  CHECK_FALSE(bench.judge(started(plain, over_tcp("198.51.100.9"))));
}

TEST_CASE("container-powers: what runs for whom is told once") {
  Bench bench;
  CHECK(bench.judge(started(with_socket("traefik:v3.1"), by(0))));
  CHECK_FALSE(bench.judge(started(with_socket("traefik:v3.1"), by(0))));
  // Of another version, by another name of the same program.
  CHECK_FALSE(bench.judge(started(with_socket("docker.io/library/traefik:v3.2"), by(0))));
  CHECK_FALSE(bench.judge(started(with_socket("traefik@sha256:" + std::string(64, '1')),
                                  by(0, {}, "/usr/bin/compose"))));
  // Another user, image or power.
  CHECK(bench.judge(started(with_socket("traefik"), by(1001))));
  CHECK(bench.judge(started(with_socket("localhost:5000/traefik"), by(0))));
  auto more = with_socket("traefik");
  more.host_namespaces = {"pid"};
  CHECK(bench.judge(started(more, by(0))));
  // What the host's users do says nothing of what a stranger does, and he is told each time.
  CHECK(bench.severity(started(with_socket("traefik"), over_tcp("198.51.100.9"))) ==
        Severity::kHigh);
  const auto again = bench.judge(started(with_socket("traefik"), over_tcp("198.51.100.9")));
  REQUIRE(again);
  CHECK(has(*again, "powers-known"));
  CHECK(again->severity == Severity::kHigh);
  CHECK(bench.severity(started(with_socket("traefik"), over_tcp("198.51.100.10"))) ==
        Severity::kHigh);
  CHECK(bench.severity(started(with_socket("traefik"), by(0, kJob))) == Severity::kHigh);
  CHECK(bench.severity(started(with_socket("traefik"), by(0, kJob))) == Severity::kMedium);
}

TEST_CASE("container-powers: told as created, it is no less new when it starts") {
  Bench bench;
  auto created = started(with_socket(), over_tcp("127.0.0.1"));
  created.deployment->started = false;
  const auto first = bench.judge(created);
  REQUIRE(first);
  CHECK(first->summary.starts_with("container created, not started so far, with"));
  created.deployment->started = true;
  created.key += "/started";
  const auto then = bench.judge(created);
  REQUIRE(then);
  CHECK(then->severity == first->severity);
  CHECK(then->id != first->id);
  CHECK_FALSE(has(*then, "powers-known"));
}

TEST_CASE("container-powers: pods are the cluster's") {
  Bench bench;
  auto made = with_socket("registry.k8s.io/kube-proxy:v1.31.0");
  made.privileged = true;
  made.sandbox = kJob;
  made.engine_namespace = "k8s.io";
  made.pod = {"kube-system", "kube-proxy-1"};
  CHECK_FALSE(bench.judge(started(made, by(0, {}, "/usr/bin/kubelet"))));
  made.pod = {"monitoring", "exporter-1"};
  made.image = "quay.io/prometheus/node-exporter:v1";
  CHECK(bench.severity(started(made, by(0, {}, "/usr/bin/kubelet"))) == Severity::kLow);
  CHECK_FALSE(bench.judge(started(made, by(0, {}, "/usr/bin/kubelet"))));
  // Whoever asks out of a container is no kubelet, whatever namespace he names.
  made.pod = {"kube-system", "evil"};
  CHECK(bench.severity(started(made, by(0, kJob, "/usr/bin/crictl"))) == Severity::kHigh);
  // One of an engine in a container (kind) is.
  auto inside = started(made, by(0, kJob, "/usr/bin/kubelet"));
  inside.deployment->engine_container_id = kJob;
  CHECK_FALSE(bench.judge(inside));
}

TEST_CASE("container-powers: a user's own engine gives away no more than the user") {
  Bench bench;
  auto own = started(with_socket(), by(1000));
  own.deployment->engine_uid = 1000;
  const auto found = bench.judge(own);
  REQUIRE(found);
  CHECK(found->severity == Severity::kLow);
  CHECK(has(*found, "engine-rootless"));
}

TEST_CASE("container-powers: the configuration has the last word") {
  Bench bench(
      "clients: [{uid: 998}, {address: 10.20.0.0/16}]\n"
      "baseline: {learn_for: 1d}\n");
  CHECK(bench.severity(started(with_socket(), by(0))) == Severity::kInfo);  // learning
  CHECK(bench.severity(started(with_socket(), over_tcp("198.51.100.9"))) == Severity::kCritical);
  CHECK_FALSE(bench.judge(started(with_socket(), by(0))));
  CHECK(bench.judge(started(with_socket(), over_tcp("10.20.0.1"))));
  CHECK_FALSE(bench.judge(started(with_socket(), over_tcp("10.20.0.1"))));

  Bench set(
      "severity: {container-powers: critical}\n"
      "exceptions: [{owner: o, reason: r, expires: 2099-01-01, rule: container-powers, client: "
      "{uid: 998}}]\n");
  CHECK(set.severity(started(with_socket(), by(0))) == Severity::kCritical);
  CHECK(set.severity(started(with_socket(), by(998))) == Severity::kInfo);
}

TEST_CASE("container-powers: what is too long for the baseline is known all the same") {
  Bench bench;
  auto made = with_socket();
  for (int i = 0; i < 60; ++i) made.binds.push_back("/etc/a b " + std::to_string(i) + ":/x");
  CHECK(bench.judge(started(made, by(0))));
  CHECK_FALSE(bench.judge(started(made, by(0))));
  made.binds.pop_back();
  CHECK(bench.judge(started(made, by(0))));
}
