// Connections that an engine makes by itself while it builds.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "harness/dns.h"
#include "unit/tracker/scene.h"

using namespace kilnwatch;
using namespace kilnwatch::test;
using tracker::Moment;
using tracker::MomentKind;

namespace {

constexpr TimeNs kStart = 1'000 * kMs;
constexpr std::uint32_t kDockerd = 50;

Process process(std::uint32_t pid, std::uint32_t parent, const std::string& exe) {
  Process out;
  out.pid = pid;
  out.ppid = parent;
  out.start = pid;
  out.exe = exe;
  out.comm = exe.substr(exe.rfind('/') + 1).substr(0, 15);
  out.args = {exe};
  out.cgroup = {3, "system.slice/docker.service"};
  return out;
}

struct Engine {
  tracker::Tracker tracker{"boot"};
  std::vector<std::string> lost = {};

  explicit Engine(bool seen = true) {
    if (seen) tracker.observe(ProcessExecuted{1, process(kDockerd, 1, "/usr/sbin/dockerd")});
  }

  void build(ConnId conn, TimeNs time, const std::string& remote = {}) {
    ConnOpened opened;
    opened.time = time;
    opened.conn = conn;
    opened.engine = EngineKind::kDocker;
    opened.engine_pid = kDockerd;
    opened.transport = Transport::kTcp;
    opened.client = {"192.0.2.7", static_cast<std::uint16_t>(4000 + conn)};
    opened.server = {"192.0.2.1", 2375};
    tracker.observe(opened);
    BuildRequested request;
    request.time = time;
    request.call = {conn, 0};
    request.remote_context = remote;
    tracker.learn(request);
  }
  // dockerd connects: the connection itself, and what the kernel side folds.
  void connect(TimeNs time, ConnId conn, const Endpoint& to, const std::string& first = {}) {
    ConnOpened opened;
    opened.time = time;
    opened.conn = conn;
    opened.engine = EngineKind::kDocker;
    opened.engine_pid = kDockerd;
    opened.transport = Transport::kTcp;
    opened.client = {"192.0.2.1", static_cast<std::uint16_t>(30'000 + conn)};
    opened.server = to;
    opened.fetch = true;
    tracker.observe(opened);
    if (first.empty()) return;
    auto bare = process(kDockerd, 1, "/usr/sbin/dockerd");
    bare.exe.clear();
    bare.args.clear();
    tracker.observe(EgressStarted{time, conn, 6, Outcome::kPending, to, bare});
    tracker.observe(EgressPayload{time + kMs, conn, first});
  }
  std::vector<Moment> told(TimeNs until) {
    tracker.observe(Tick{until});
    std::vector<Moment> out;
    for (auto& moment : tracker.take()) {
      if (moment.health) lost.push_back(moment.health->cause);
      if (moment.kind == MomentKind::kEngineEgress) out.push_back(std::move(moment));
    }
    return out;
  }
};

std::string get(const std::string& host) { return "GET /x HTTP/1.1\r\nHost: " + host + "\r\n\r\n"; }

}  // namespace

TEST_CASE("What an engine connects to is told with the build that is open") {
  Engine engine;
  engine.connect(kStart, 10, {"192.0.2.50", 443}, get("a.test"));
  CHECK(engine.told(kStart + 2000 * kMs).empty());  // nobody builds
  engine.build(1, kStart + 3000 * kMs);
  engine.connect(kStart + 3100 * kMs, 11, {"192.0.2.60", 80}, get("b.test"));
  engine.connect(kStart + 3200 * kMs, 12, {"192.0.2.53", 53});
  const auto told = engine.told(kStart + 5000 * kMs);
  REQUIRE(told.size() == 1);
  CHECK(told[0].connection->destination == Endpoint{"192.0.2.60", 80});
  CHECK(told[0].connection->http_host == "b.test");
  CHECK(told[0].connection->by_engine);
  CHECK(told[0].connection->process.exe == "/usr/sbin/dockerd");
  REQUIRE(told[0].build);
  CHECK(told[0].among.size() == 1);
  // The name of one that was folded is that of the first.
  engine.connect(kStart + 5100 * kMs, 13, {"192.0.2.60", 80});
  const auto again = engine.told(kStart + 7000 * kMs);
  REQUIRE(again.size() == 1);
  CHECK(again[0].connection->http_host == "b.test");
  CHECK_FALSE(told[0].name_borrowed);
  CHECK(again[0].name_borrowed);
}

TEST_CASE("An engine whose program was not seen connects as the process that it is") {
  Engine engine(false);
  engine.build(1, kStart);
  engine.connect(kStart + 100 * kMs, 11, {"192.0.2.60", 80});
  const auto told = engine.told(kStart + 2000 * kMs);
  REQUIRE(told.size() == 1);
  CHECK(told[0].connection->process.pid == kDockerd);
  CHECK(told[0].connection->process.exe.empty());
}

TEST_CASE("What is nobody's engine names no connection of one") {
  Engine engine;
  engine.build(1, kStart);
  Process bare = process(90, 1, "/tmp/exe");
  bare.exe.clear();
  bare.args.clear();
  engine.tracker.observe(EgressStarted{kStart, 5, 6, Outcome::kPending, {"192.0.2.60", 443}, bare});
  engine.tracker.observe(EgressPayload{kStart + kMs, 5, get("registry-1.docker.io")});
  engine.connect(kStart + 100 * kMs, 11, {"192.0.2.60", 443});
  const auto told = engine.told(kStart + 5000 * kMs);
  REQUIRE(told.size() == 1);
  CHECK(told[0].connection->http_host.empty());
}

TEST_CASE("A connection without a name has those that the host heard of its address") {
  Engine engine;
  engine.build(1, kStart);
  DnsAnswered heard;
  heard.time = kStart + 10 * kMs;
  heard.resolver = {"192.0.2.53", 53};
  heard.configured = heard.heard = true;
  heard.net = 4026531840;
  heard.bytes = test::dns::message("a.test", 1, {test::dns::a(test::dns::same(), "192.0.2.60")});
  engine.tracker.observe(heard);
  engine.connect(kStart + 100 * kMs, 11, {"192.0.2.60", 443});
  engine.connect(kStart + 100 * kMs, 12, {"192.0.2.61", 443});
  const auto told = engine.told(kStart + 5000 * kMs);
  REQUIRE(told.size() == 2);
  REQUIRE(told[0].connection->dns_names.size() == 1);
  CHECK(told[0].connection->dns_names[0].name == "a.test");
  CHECK(told[0].connection->dns_names[0].verified);
  CHECK(told[1].connection->dns_names.empty());
}

TEST_CASE("However many other builds are open, those that fetch are among them") {
  Engine engine;
  for (ConnId conn = 1; conn <= 40; ++conn) engine.build(conn, kStart);
  engine.build(100, kStart);
  DockerfileSeen file;
  file.time = kStart + kMs;
  file.call = {100, 0};
  file.instructions = {{"FROM a", false, true, ""},
                       {"ADD http://192.0.2.60/p /p", false, false, ""}};
  engine.tracker.learn(file);
  engine.connect(kStart + 100 * kMs, 500, {"192.0.2.60", 80});
  const auto told = engine.told(kStart + 2000 * kMs);
  REQUIRE(told.size() == 1);
  CHECK(std::any_of(told[0].among.begin(), told[0].among.end(),
                    [](const Build& build) { return build.dockerfile.has_value(); }));
  CHECK(told[0].reasons.size() == tracker::kMaxCandidates);
}

TEST_CASE("What BuildKit adds is told with its build") {
  Engine engine;
  engine.build(1, kStart);
  VertexSeen seen;
  seen.time = kStart + 20 * kMs;
  seen.call = {1, 0};
  seen.kind = VertexKind::kOther;
  seen.whole = true;
  const auto learn = [&](const std::string& digest, const std::string& text) {
    seen.digest = digest;
    seen.text = text;
    seen.number = 2;
    engine.tracker.learn(seen);
  };
  learn("sha256:a", "ADD http://192.0.2.60/p /p");
  learn("sha256:b", "ADD local.tar /p");
  learn("sha256:c", "COPY http://192.0.2.60/p /p");
  learn("sha256:d", "ADD http://192.0.2.60/p /p");
  for (std::size_t n = 0; n < tracker::kMaxAdded; ++n)
    learn("sha256:e" + std::to_string(n), "ADD git@a.test:" + std::to_string(n) + " /p");
  engine.connect(kStart + 100 * kMs, 11, {"192.0.2.60", 80});
  const auto told = engine.told(kStart + 2000 * kMs);
  REQUIRE(told.size() == 1);
  REQUIRE(told[0].build);
  REQUIRE(told[0].build->added.size() == tracker::kMaxAdded);
  CHECK(told[0].build->added[0] == "ADD http://192.0.2.60/p /p");
  CHECK(told[0].build->added[1] == "ADD git@a.test:0 /p");
  CHECK(engine.lost == std::vector<std::string>{"vertices"});  // one found no room
}

TEST_CASE("Of several open builds none is named") {
  Engine engine;
  engine.build(1, kStart);
  engine.build(2, kStart);
  engine.connect(kStart + 100 * kMs, 11, {"192.0.2.60", 80});
  const auto told = engine.told(kStart + 2000 * kMs);
  REQUIRE(told.size() == 1);
  CHECK_FALSE(told[0].build);
  CHECK(told[0].among.size() == 2);
  CHECK(told[0].reasons.size() == 2);
  CHECK(told[0].reasons[0].code == "candidate");
}

TEST_CASE("Who sent the engine on is told") {
  Engine engine;
  engine.build(1, kStart, "http://evil.test/Dockerfile");
  ContextFetched sent;
  sent.time = kStart + 50 * kMs;
  sent.conn = 11;
  sent.url = "http://evil.test/Dockerfile";
  sent.location = "http://169.254.169.254/latest/";
  engine.connect(kStart + 10 * kMs, 11, {"192.0.2.60", 80});
  engine.tracker.learn(sent);
  engine.connect(kStart + 60 * kMs, 12, {"169.254.169.254", 80});
  const auto told = engine.told(kStart + 2000 * kMs);
  REQUIRE(told.size() == 2);
  CHECK(told[0].connection->http_host == "evil.test");
  CHECK(told[0].sent_from.empty());
  CHECK(told[1].sent_from == "evil.test");
}

TEST_CASE("git of an engine counts as the engine, nobody else's does") {
  Engine engine;
  engine.build(1, kStart);
  auto& tracker = engine.tracker;
  tracker.observe(ProcessExecuted{kStart, process(60, kDockerd, "/usr/bin/git")});
  tracker.observe(ProcessExecuted{kStart, process(61, 60, "/usr/lib/git-core/git-remote-https")});
  tracker.observe(ProcessExecuted{kStart, process(70, 1, "/usr/bin/git")});
  tracker.observe(ProcessExecuted{kStart, process(71, kDockerd, "/usr/bin/docker-proxy")});
  EgressId id = 0;
  for (const std::uint32_t pid : {61U, 70U, 71U}) {
    auto bare = process(pid, 0,
                        pid == 71   ? "docker-proxy"
                        : pid == 70 ? "git"
                                    : "git-remote-https");
    bare.exe.clear();
    bare.args.clear();
    tracker.observe(
        EgressStarted{kStart + 10 * kMs, ++id, 6, Outcome::kPending, {"192.0.2.70", 443}, bare});
  }
  const auto told = engine.told(kStart + 2000 * kMs);
  REQUIRE(told.size() == 1);
  CHECK(told[0].connection->process.pid == 61);
  CHECK(told[0].connection->process.exe == "/usr/lib/git-core/git-remote-https");
}

TEST_CASE(
    "A builder that is a command connects for its own build, as does what it executed itself as") {
  tracker::Tracker tracker{"boot"};
  const auto run = [&](std::uint32_t pid, std::uint32_t parent, const std::string& comm) {
    Process out = process(pid, parent, "/usr/bin/podman");
    out.comm = comm;
    tracker.observe(ProcessExecuted{kStart, out});
    return out;
  };
  BuildRequested build;
  build.time = kStart;
  build.call = {1 << 20, 0};
  build.engine = EngineKind::kPodman;
  build.command.emplace();
  build.command->client = run(80, 1, "podman");
  run(81, 80, "exe");
  run(82, 80, "slirp4netns");
  run(83, 1, "podman");
  tracker.learn(build);
  EgressId id = 0;
  for (const auto& [pid, comm] : std::vector<std::pair<std::uint32_t, std::string>>{
           {80, "podman"}, {81, "exe"}, {82, "slirp4netns"}, {83, "podman"}}) {
    Process bare = process(pid, 0, "/" + comm);
    bare.exe.clear();
    bare.args.clear();
    tracker.observe(EgressStarted{kStart + pid * kMs,
                                  ++id,
                                  6,
                                  Outcome::kPending,
                                  {"192.0.2.70", static_cast<std::uint16_t>(pid)},
                                  bare});
  }
  tracker.observe(Tick{kStart + 5000 * kMs});
  std::vector<std::uint32_t> told;
  for (const auto& moment : tracker.take()) {
    if (moment.kind != MomentKind::kEngineEgress) continue;
    told.push_back(moment.connection->destination.port);
    CHECK(moment.build);
    CHECK(moment.connection->by_engine);
  }
  CHECK(told == std::vector<std::uint32_t>{80, 81});
}

TEST_CASE("Connections of engines beyond what is kept are counted") {
  Engine engine;
  engine.build(1, kStart);
  for (ConnId conn = 100; conn < 100 + tracker::kMaxEngineCalls + 3; ++conn)
    engine.connect(kStart + 10 * kMs, conn, {"192.0.2.60", 80});
  CHECK(engine.tracker.counters().engine_calls_refused == 3);
  CHECK(engine.told(kStart + 3000 * kMs).size() == tracker::kMaxEngineCalls);
}

TEST_CASE("Answers that send engines on are counted where one that may be followed makes room") {
  Engine engine;
  ContextFetched sent;
  sent.url = "http://192.0.2.60/x";
  for (std::size_t i = 0; i < tracker::kMaxSentOn + 2; ++i) {
    sent.time = kStart + i;
    sent.location = "http://host-" + std::to_string(i) + ".test/";
    engine.tracker.learn(sent);
  }
  CHECK(engine.tracker.counters().engine_calls_refused == 2);
  sent.time += tracker::kSentOnLife + kMs;
  sent.location = "http://much-later.test/";
  engine.tracker.learn(sent);
  CHECK(engine.tracker.counters().engine_calls_refused == 2);
}

TEST_CASE("Hosts of URLs") {
  CHECK(tracker::host_in("http://User:pw@Example.ORG:8080/x?y") == "example.org");
  CHECK(tracker::host_in("https://[2001:DB8::1]:443/") == "2001:db8::1");
  CHECK(tracker::host_in("//a.test/x") == "a.test");
  CHECK(tracker::host_in("/only/a/path").empty());
  CHECK(tracker::host_in("").empty());
}
