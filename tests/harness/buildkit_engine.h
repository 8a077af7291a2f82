// A dockerd with BuildKit and its steps as the kernel side would tell of them: for builds that no
// recording of a real engine shows, put together from what is known of it.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/buildkit.h"
#include "harness/local_client.h"
#include "harness/mangle.h"

namespace kilnwatch::test {

class BuildKitEngine {
 public:
  static constexpr domain::TimeNs kMs = 1'000'000;
  static constexpr std::uint64_t kWallMs = 1'700'000'000'000;  // engine's clock at our 0
  static constexpr std::uint32_t kDockerd = 50;

  // The engine, and where its steps run.
  struct Daemon {
    std::uint32_t pid = kDockerd;
    std::string comm = "dockerd";
    std::string exe = "/usr/sbin/dockerd";
    std::string root = "/var/lib/docker/buildkit/executor/";
    std::string cgroup = "docker/buildkit/";
  };

  // `home`: the letter of the container that it runs in; 0: on the host.
  explicit BuildKitEngine(char home = 0) : BuildKitEngine(home, Daemon{}) {}
  BuildKitEngine(char home, Daemon daemon) : daemon_(std::move(daemon)) {
    if (daemon_.pid != kDockerd) egress_ = daemon_.pid * std::uint64_t{1000};  // none of another's
    if (home != 0) {
      scope_ = "system.slice/docker-" + std::string(64, home) + ".scope/";
      domain::Process shim;
      shim.pid = 40;
      shim.start = 1;
      shim.comm = "containerd-shim";
      shim.exe = "/usr/bin/containerd-shim-runc-v2";
      events_.emplace_back(domain::ProcessExecuted{1, shim, true});
      domain::Process init;
      init.pid = 41;
      init.ppid = 40;
      init.start = 1;
      init.comm = "sh";
      init.exe = "/bin/sh";
      init.args = {"sh", "/start"};
      init.cgroup = {8000, scope_ + "init"};
      events_.emplace_back(domain::ProcessExecuted{1, init, true});
    }
    domain::Process engine;
    engine.pid = daemon_.pid;
    engine.ppid = home != 0 ? 41 : 0;
    if (home != 0) engine.cgroup = {8000, scope_ + "init"};
    engine.start = 1;
    engine.comm = daemon_.comm;
    engine.exe = daemon_.exe;
    engine.args = {daemon_.comm};
    events_.emplace_back(domain::ProcessExecuted{1, engine, true});
  }
  BuildKitEngine(const BuildKitEngine&) = default;
  BuildKitEngine& operator=(const BuildKitEngine&) = default;
  virtual ~BuildKitEngine() = default;

  // Times in ms. A connection of its own, and `docker build` that makes it.
  void request(domain::ConnId conn, std::uint64_t time, const std::string& tag,
               const std::string& more = {}) {
    domain::Process client;
    client.pid = 60 + static_cast<std::uint32_t>(conn);
    client.start = client.pid;
    client.uid = 1000 + static_cast<std::uint32_t>(conn);
    client.comm = "docker";
    client.exe = "/usr/bin/docker";
    client.args = {"docker", "build", "-t", tag, "."};
    meet_client(events_, {domain::EngineKind::kDocker, kDockerd, "/run/docker.sock"}, client, conn,
                conn + 1000, at(time - 2), at(time - 1));
    say(conn, time, domain::Direction::kRequest,
        "POST /v1.41/build?version=2&remote=client-session&session=s" + std::to_string(conn) +
            "&buildid=b" + std::to_string(conn) + "&t=" + tag + more +
            " HTTP/1.1\r\nHost: docker\r\nContent-Length: 0\r\n\r\n");
    say(conn, time + 1, domain::Direction::kResponse, kChunkedOk);
  }
  virtual void tell(domain::ConnId conn, std::uint64_t time, const Status& status) {
    say(conn, time, domain::Direction::kResponse, status.line());
  }
  // The graph: bases resolved, all steps known.
  void graph(domain::ConnId conn, std::uint64_t time, const std::string& base,
             const std::vector<std::string>& steps) {
    Status status;
    status.vertex("[internal] load metadata for " + base, wall(time - 90), wall(time - 20));
    for (const auto& step : steps) status.vertex(step);
    tell(conn, time, status);
  }
  // The same, each step with what it stands on.
  struct Node {
    std::string name, on;
  };
  void graph(domain::ConnId conn, std::uint64_t time, const std::string& base,
             const std::vector<Node>& nodes) {
    const std::string from = "[internal] load metadata for " + base;
    Status status;
    status.vertex(from, wall(time - 90), wall(time - 20));
    for (const auto& node : nodes) status.vertex(node.name).on({node.on.empty() ? from : node.on});
    tell(conn, time, status);
  }
  struct Step {
    domain::ConnId conn = 0;
    std::string name;     // of the vertex
    std::string command;  // what the shell is given
    char id = 'a';        // of the container
    std::string ip;       // where it connects; empty: nowhere
    std::uint64_t began = 0;
    std::uint64_t lasts = 400;
    std::string digest = {};
    std::string error = {};
    std::vector<std::string> layers = {};  // of its root
    std::uint64_t born = 0;                // its own layer; 0: not known
  };
  void step(const Step& s) {
    using namespace domain;
    const std::string digest = s.digest.empty() ? vertex_digest(s.name) : s.digest;
    tell(s.conn, s.began + 100, Status().vertex(s.name, wall(s.began), 0, false, {}, digest));
    run(s);
    const auto over = s.began + s.lasts + 40;
    tell(s.conn, over + 80,
         Status().vertex(s.name, wall(s.began), wall(over), false, s.error, digest));
  }
  // Only what the kernel sees of it.
  void run(const Step& s) {
    using namespace domain;
    const std::string id(25, s.id);
    const auto base = 1000u + static_cast<std::uint32_t>(static_cast<unsigned char>(s.id)) * 10;
    Process runc;
    runc.pid = base;
    runc.ppid = daemon_.pid;
    if (!scope_.empty()) runc.cgroup = {8000, scope_ + "init"};
    runc.start = at(s.began + 40);
    runc.comm = "runc";
    runc.exe = "/usr/sbin/runc";
    const std::string& root = daemon_.root;
    runc.args = {"runc",
                 "--log",
                 root + "runc-log.json",
                 "--log-format",
                 "json",
                 "run",
                 "--bundle",
                 root + id,
                 "--keep",
                 id};
    runc.layers = s.layers;
    runc.layer_born = s.born != 0 ? wall(s.born) * kMs : 0;
    events_.emplace_back(ProcessForked{at(s.began + 40), daemon_.pid, base, runc.start});
    events_.emplace_back(ProcessExecuted{at(s.began + 41), runc});
    Process sh;
    sh.pid = base + 1;
    sh.ppid = base;
    sh.start = at(s.began + 100);
    sh.comm = "runc:[2:INIT]";
    sh.exe = "/proc/self/exe";
    sh.args = {"runc", "init"};
    sh.cgroup = {9000 + static_cast<std::uint64_t>(static_cast<unsigned char>(s.id)) + s.began,
                 scope_ + daemon_.cgroup + id};
    events_.emplace_back(ProcessForked{at(s.began + 100), base, sh.pid, sh.start});
    events_.emplace_back(ProcessExecuted{at(s.began + 101), sh});
    sh.comm = "sh";
    sh.exe = "/bin/sh";
    sh.args = {"/bin/sh", "-c", s.command};
    events_.emplace_back(ProcessExecuted{at(s.began + 180), sh});
    if (!s.ip.empty()) {
      Process wget = sh;
      wget.pid = base + 2;
      wget.ppid = sh.pid;
      wget.start = at(s.began + 190);
      wget.comm = "wget";
      wget.exe = "/bin/wget";
      wget.args = {"wget", "http://" + s.ip + "/"};
      events_.emplace_back(ProcessForked{at(s.began + 190), sh.pid, wget.pid, wget.start});
      events_.emplace_back(ProcessExecuted{at(s.began + 191), wget});
      Process egress = wget;
      egress.exe.clear();
      egress.args.clear();
      const auto number = ++egress_;
      events_.emplace_back(
          EgressStarted{at(s.began + 200), number, 6, Outcome::kPending, {s.ip, 80}, egress});
      events_.emplace_back(EgressOutcome{at(s.began + 202), number, Outcome::kEstablished});
      events_.emplace_back(
          EgressPayload{at(s.began + 203), number, "GET / HTTP/1.1\r\nHost: " + s.ip + "\r\n\r\n"});
      events_.emplace_back(ProcessExited{at(s.began + s.lasts - 5), wget.pid, wget.start, 0});
    }
    events_.emplace_back(ProcessExited{at(s.began + s.lasts), sh.pid, sh.start, 0});
    events_.emplace_back(ProcessExited{at(s.began + s.lasts + 10), runc.pid, runc.start, 0});
  }
  void end(domain::ConnId conn, std::uint64_t time, const std::string& image,
           const std::string& error = {}) {
    const std::string result = error.empty() ? image_id_line(image)
                                             : message("{\"errorDetail\":{\"message\":\"" + error +
                                                       "\"},\"error\":\"" + error + "\"}");
    say(conn, time, domain::Direction::kResponse, result);
    say(conn, time + 1, domain::Direction::kResponse, "0\r\n\r\n");
    events_.emplace_back(domain::ConnClosed{at(time + 2), conn});
  }
  // One request and its answer, over a connection of its own.
  void call(domain::ConnId conn, std::uint64_t time, const std::string& target,
            const std::string& answer) {
    open_tcp(conn, time);
    say(conn, time, domain::Direction::kRequest,
        "POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    say(conn, time + 60, domain::Direction::kResponse, answer);
    events_.emplace_back(domain::ConnClosed{at(time + 70), conn});
  }
  // A client creates and starts a container, over a connection of its own.
  void deploy(domain::ConnId conn, std::uint64_t time, const std::string& image, char id) {
    open_tcp(conn, time);
    const std::string long_id(64, id);
    using domain::Direction;
    say(conn, time, Direction::kRequest,
        with_length("POST /containers/create HTTP/1.1\r\nContent-Type: application/json\r\n",
                    "{\"Image\":\"" + image + "\"}"));
    say(conn, time + 10, Direction::kResponse,
        with_length("HTTP/1.1 201 Created\r\n", "{\"Id\":\"" + long_id + "\"}"));
    say(conn, time + 20, Direction::kRequest,
        "POST /containers/" + long_id + "/start HTTP/1.1\r\n\r\n");
    say(conn, time + 300, Direction::kResponse, "HTTP/1.1 204 No Content\r\n\r\n");
    events_.emplace_back(domain::ConnClosed{at(time + 310), conn});
  }

  static std::uint64_t wall(std::uint64_t ms) { return kWallMs + kBoot + ms; }
  // In order of time, with their places in the streams.
  Events events() const {
    Events all = events_;
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return domain::time_of(a) < domain::time_of(b);
    });
    std::map<std::pair<domain::ConnId, domain::Direction>, std::uint64_t> places;
    for (auto& event : all) {
      auto* data = std::get_if<domain::ConnData>(&event);
      if (data == nullptr) continue;
      auto& place = places[{data->conn, data->direction}];
      data->pos = place;
      place += data->span;
    }
    return all;
  }

 protected:
  static constexpr std::uint64_t kBoot = 100'000;  // ms since boot
  static domain::TimeNs at(std::uint64_t ms) { return (kBoot + ms) * kMs; }
  void open_tcp(domain::ConnId conn, std::uint64_t time) {
    domain::ConnOpened opened;
    opened.time = at(time - 1);
    opened.conn = conn;
    opened.engine = domain::EngineKind::kDocker;
    opened.engine_pid = kDockerd;
    opened.transport = domain::Transport::kTcp;
    opened.client = {"198.51.100.66", static_cast<std::uint16_t>(40000 + conn)};
    opened.server = {"198.51.100.1", 2375};
    events_.emplace_back(opened);
  }
  void say(domain::ConnId conn, std::uint64_t time, domain::Direction direction,
           const std::string& bytes) {
    domain::ConnData data;
    data.time = at(time);
    data.conn = conn;
    data.direction = direction;
    data.span = static_cast<std::uint32_t>(bytes.size());
    data.at_head = direction == domain::Direction::kRequest;
    data.bytes = bytes;
    events_.emplace_back(std::move(data));
  }
  Events events_;
  Daemon daemon_;
  std::string scope_;  // of the container that the engine runs in, with '/'; empty: none
  std::uint64_t egress_ = 0;
};

}  // namespace kilnwatch::test
