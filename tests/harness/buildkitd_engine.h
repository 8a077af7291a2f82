// A buildkitd and its steps as the kernel side would tell of them, put together from what is known
// of it; and a dockerd that is asked for builds the same way, over HTTP/2 without an upgrade.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "harness/buildkit_engine.h"
#include "harness/file_sync.h"

namespace kilnwatch::test {

class BuildkitdEngine : public BuildKitEngine {
 public:
  // In a container as buildx has one made (driver docker-container), or on the host.
  explicit BuildkitdEngine(char home = 0)
      : BuildKitEngine(home, {58, "buildkitd", "/usr/bin/buildkitd",
                              "/var/lib/buildkit/runc-overlayfs/executor/", "buildkit/"}),
        place_{domain::EngineKind::kBuildkitd, 58, "/run/buildkit/buildkitd.sock"} {}
  // dockerd.
  static BuildkitdEngine docker() {
    BuildkitdEngine engine(Daemon{});
    engine.place_ = {domain::EngineKind::kDocker, kDockerd, "/run/docker.sock"};
    return engine;
  }

  static std::string ref_of(domain::ConnId conn) {
    return std::string(24, 'r') + static_cast<char>('a' + conn % 26);
  }
  static std::string session_of(domain::ConnId conn) {
    return std::string(24, 's') + static_cast<char>('a' + conn % 26);
  }

  // Times in ms. A connection of its own; `dockerfile`: what the client's session gives, empty: no
  // session.
  void ask(domain::ConnId conn, std::uint64_t time, const std::string& tag,
           const std::string& dockerfile = {}) {
    domain::Process client;
    client.pid = 60 + static_cast<std::uint32_t>(conn);
    client.start = client.pid;
    client.uid = 1000 + static_cast<std::uint32_t>(conn);
    client.comm = "buildctl";
    client.exe = "/usr/bin/buildctl";
    client.args = {"buildctl", "dial-stdio"};
    if (!scope_.empty()) client.cgroup = {8000, scope_ + "init"};
    meet_client(events_, place_, client, conn, conn + 1000, at(time - 2), at(time - 1));
    requests(conn, time, client_start());
    tells(conn, time + 1, settings());
    if (!dockerfile.empty()) requests(conn, time + 2, call_session(1, session_of(conn)));
    requests(conn, time + 3,
             test::call(3, "/moby.buildkit.v1.Control/Solve") +
                 data(3, grpc_message(solve(conn, tag, !dockerfile.empty())), h2::kEndStream));
    requests(conn, time + 4,
             test::call(5, "/moby.buildkit.v1.Control/Status") +
                 data(5, grpc_message(Status::part(1, ref_of(conn))), h2::kEndStream));
    if (!dockerfile.empty()) serve(conn, time + 5, dockerfile);
  }
  void tell(domain::ConnId conn, std::uint64_t time, const Status& status) override {
    tells(conn, time, opening(conn, 5) + data(5, grpc_message(status.bytes())));
  }
  // `config`, `manifest`: of the image; empty: it failed.
  void done(domain::ConnId conn, std::uint64_t time, const std::string& config,
            const std::string& manifest = {}) {
    tells(conn, time, opening(conn, 5) + trailers(5, "0"));
    if (config.empty()) {
      tells(conn, time + 1, opening(conn, 3) + trailers(3, "2"));
    } else {
      std::string response = pair(1, "containerimage.config.digest", config);
      if (!manifest.empty()) response += pair(1, "containerimage.digest", manifest);
      tells(conn, time + 1, opening(conn, 3) + data(3, grpc_message(response)) + trailers(3, "0"));
    }
    events_.emplace_back(domain::ConnClosed{at(time + 20), conn});
  }

 private:
  explicit BuildkitdEngine(Daemon daemon) : BuildKitEngine(0, std::move(daemon)) {}

  static std::string pair(unsigned field, const std::string& key, const std::string& value) {
    return Status::part(field, Status::part(1, key) + Status::part(2, value));
  }
  static std::string solve(domain::ConnId conn, const std::string& tag, bool session) {
    std::string out = Status::part(1, ref_of(conn));
    if (session) out += Status::part(5, session_of(conn));
    out += Status::part(6, "dockerfile.v0");
    out += pair(7, "filename", "Dockerfile") + pair(7, "build-arg:TOKEN", "kw-canary-arg");
    if (!session) out += pair(7, "context", "https://git.example/evil.git");
    return out + Status::part(13, Status::part(1, "docker") + pair(2, "name", tag) +
                                      pair(2, "other", "kw-canary-attr"));
  }
  // The engine asks for the Dockerfile's folder, and for the file.
  void serve(domain::ConnId conn, std::uint64_t time, const std::string& dockerfile) {
    const auto asks = [&](std::uint64_t after, const std::string& bytes) {
      tells(conn, time + after, opening(conn, 1) + carried(1, bytes));
    };
    const auto gives = [&](std::uint64_t after, const std::string& bytes) {
      requests(conn, time + after, carried(1, bytes));
    };
    asks(1, client_start() + ask_folder(1, "dockerfile"));
    gives(2, settings() + answer(1) + data(1, stat("Dockerfile") + packet(0, {})));
    asks(3, data(1, packet(1, 0)));
    const auto half = dockerfile.size() / 2;
    gives(4, data(1, packet(2, 0, Status::part(4, dockerfile.substr(0, half)))));
    gives(5, data(1, packet(2, 0, Status::part(4, dockerfile.substr(half))) + packet(2, 0)));
  }
  std::string opening(domain::ConnId conn, std::uint32_t stream) {
    return opened_.insert({conn, stream}).second ? answer(stream) : std::string();
  }
  void requests(domain::ConnId conn, std::uint64_t time, const std::string& bytes) {
    say(conn, time, domain::Direction::kRequest, bytes);
  }
  void tells(domain::ConnId conn, std::uint64_t time, const std::string& bytes) {
    say(conn, time, domain::Direction::kResponse, bytes);
  }

  EnginePlace place_;
  std::set<std::pair<domain::ConnId, std::uint32_t>> opened_;  // streams that were answered
};

}  // namespace kilnwatch::test
