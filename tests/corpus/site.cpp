#include "site.h"

#include <algorithm>
#include <map>

#include "harness/dns.h"
#include "harness/tls.h"

namespace kilnwatch::test::corpus {

using namespace domain;

namespace {

const std::string kResolver = "10.20.0.53";
constexpr std::uint32_t kHostNet = 4026531840;

}  // namespace

std::string Site::request_of(const Fetch& fetch) {
  return "GET " + fetch.path + " HTTP/1.1\r\nHost: " + fetch.name + "\r\n\r\n";
}

Site::Site(const Internet& internet, std::uint64_t seed) : internet_(internet), random_(seed) {
  execute(0, kContainerd, 1, "/usr/bin/containerd", {"/usr/bin/containerd"},
          {90, "system.slice/containerd.service"});
  execute(0, kPodman, 1, "/usr/bin/podman", {"podman", "system", "service"},
          {92, "system.slice/podman.service"});
  execute(0, kDockerd, 1, "/usr/sbin/dockerd", {"/usr/sbin/dockerd", "-H", "fd://"},
          {91, "system.slice/docker.service"});
}

std::uint64_t Site::play(const Build& build, std::uint64_t ms) {
  const std::string image = "sha256:" + hex(64);
  std::uint64_t end = ms;
  if (build.builds) {
    switch (build.builder) {
      case Builder::kClassic:
        end = classic(build, ms, image);
        break;
      case Builder::kBuildKit:
        end = buildkit(build, ms, image);
        break;
      case Builder::kPodman:
        end = podman(build, ms, image);
        break;
      case Builder::kPodmanApi:
        end = podman_api(build, ms, image);
        break;
    }
  }
  if (build.run && build.builder != Builder::kPodman)
    run_docker(build, end + build.run->after, image);
  return end + (build.run ? build.run->after : 0);
}

Events Site::events() const {
  Events all = events_;
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return time_of(a) < time_of(b); });
  std::map<std::pair<ConnId, Direction>, std::uint64_t> places;
  for (auto& event : all) {
    auto* data = std::get_if<ConnData>(&event);
    if (data == nullptr) continue;
    auto& place = places[{data->conn, data->direction}];
    data->pos = place;
    place += data->span;
  }
  return all;
}

std::string Site::hex(std::size_t length) {
  std::string out;
  while (out.size() < length) out += "0123456789abcdef"[below(random_, 16)];
  return out;
}

Cgroup Site::cgroup(const std::string& path) { return {++last_cgroup_, path}; }

std::uint32_t Site::fork(std::uint64_t ms, std::uint32_t parent) {
  const std::uint32_t pid = ++last_pid_;
  starts_[pid] = at(ms);
  put(ProcessForked{at(ms), parent, pid, at(ms)});
  return pid;
}

Process Site::execute(std::uint64_t ms, std::uint32_t pid, std::uint32_t parent,
                      const std::string& exe, std::vector<std::string> args, const Cgroup& cgroup,
                      std::uint32_t uid) {
  Process process;
  process.pid = pid;
  process.ppid = parent;
  process.start = starts_[pid];
  process.uid = uid;
  process.exe = exe;
  process.comm = exe.substr(exe.rfind('/') + 1).substr(0, 15);
  process.args = std::move(args);
  process.cgroup = cgroup;
  put(ProcessExecuted{at(ms), process});
  return process;
}

void Site::exit(std::uint64_t ms, const Process& process, std::uint32_t code) {
  put(ProcessExited{at(ms), process.pid, process.start, code});
}

// The host hands it on, or hears it in the name of a step, before the step does.
DnsAnswered Site::heard(const std::string& bytes, std::uint64_t ms) {
  DnsAnswered answered;
  answered.time = at(ms) - kMs;
  answered.resolver = {kResolver, 53};
  answered.configured = true;
  answered.heard = true;
  answered.net = kHostNet;
  answered.bytes = bytes;
  return answered;
}

// The answer to a question for its name, where it asks for one.
std::vector<std::string> Site::ask(const Place& place, const Process& process, const Fetch& fetch,
                                   std::uint64_t ms) {
  if (fetch.answer == Answer::kNothing) return {fetch.address};
  auto found = internet_.resolve(fetch.name, ms, random_);
  if (!fetch.address.empty() || found.addresses.empty())
    found = {{}, {fetch.address.empty() ? "198.18.250.1" : fetch.address}};
  std::vector<std::string> records;
  if (!found.alias.empty()) records.push_back(dns::record(dns::same(), 5, dns::name(found.alias)));
  const std::string owner = found.alias.empty() ? dns::same() : dns::name(found.alias);
  for (const auto& ip : found.addresses) records.push_back(dns::a(owner, ip));
  const Build& build = *place.build;
  const bool forged = fetch.answer == Answer::kForged;
  DnsAnswered answered;
  answered.bytes = dns::message(fetch.name, 1, records);
  if (!forged) put(heard(answered.bytes, ms));
  answered.time = at(ms);
  answered.resolver = {build.rootless      ? "10.0.2.3"
                       : build.own_network ? "127.0.0.11"
                                           : kResolver,
                       53};
  answered.loopback = forged || build.own_network;
  answered.configured = !forged && !build.rootless && !build.own_network;
  answered.net = place.net;
  answered.process = process;
  put(answered);
  return found.addresses;
}

void Site::connect(Place& place, const Process& process, const Fetch& fetch, const std::string& ip,
                   std::uint64_t ms) {
  reached_.push_back(
      {place.build->id, fetch.name, ip, fetch.port, fetch.answer == Answer::kResolver});
  // The kernel side folds what goes to the same place.
  if (!place.known.insert(ip + " " + std::to_string(fetch.port)).second) return;
  Process bare = process;
  bare.exe.clear();
  bare.args.clear();
  const EgressId id = at(ms) << 4 | (++last_egress_ & 15);
  put(EgressStarted{at(ms), id, 6, Outcome::kPending, {ip, fetch.port}, bare, place.net});
  put(EgressOutcome{at(ms + 20), id, Outcome::kEstablished});
  std::string bytes;
  if (!fetch.silent) bytes = fetch.tls ? tls::hello(fetch.name) : request_of(fetch);
  if (!bytes.empty()) put(EgressPayload{at(ms + 21), id, bytes});
}

std::uint64_t Site::fetch_all(Place& place, const Step& step, std::uint64_t ms) {
  for (std::size_t i = 0; i < step.fetches.size();) {
    const Fetch& first = step.fetches[i];
    const std::uint32_t pid = fork(ms, place.shell.pid);
    const Process process =
        execute(ms + 2, pid, place.shell.pid, first.program,
                first.args.empty() ? std::vector<std::string>{first.program} : first.args,
                place.shell.cgroup, place.shell.uid);
    ms += 30;
    // One process for what one command fetches.
    for (; i < step.fetches.size(); ++i) {
      const Fetch& fetch = step.fetches[i];
      if (fetch.program != first.program || fetch.args != first.args) break;
      const auto addresses = ask(place, process, fetch, ms);
      ms += 3 + below(random_, 40);
      for (unsigned n = 0; n < fetch.connections; ++n) {
        connect(place, process, fetch, addresses[n % addresses.size()], ms);
        ms += 2 + below(random_, 12);
      }
      ms += 50 + below(random_, 900);
    }
    exit(ms, process);
    ms += 10;
  }
  for (const Executed& one : step.executes) {
    const std::uint32_t pid = fork(ms, place.shell.pid);
    exit(ms + 40, execute(ms + 2, pid, place.shell.pid, one.exe, one.args, place.shell.cgroup,
                          place.shell.uid));
    ms += 60;
  }
  return ms;
}

}  // namespace kilnwatch::test::corpus
