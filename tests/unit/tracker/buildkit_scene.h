// BuildKit in dockerd: steps run under its own runtime, statuses tell of them.
#pragma once

#include <string>

#include "unit/tracker/scene.h"

namespace kilnwatch::test {

inline constexpr std::uint64_t kWall = 1'700'000'000'000'000'000;  // engine's clock at our 0
inline constexpr std::uint32_t kDockerd = 5;

inline std::string step_id(char c) { return std::string(25, c); }

class BuildKitScene : public Scene {
 public:
  BuildKitScene() {
    Process dockerd;
    dockerd.pid = kDockerd;
    dockerd.comm = "dockerd";
    see(ProcessExecuted{1, dockerd});
  }
  void request(ConnId conn, TimeNs time, bool quiet = false) {
    auto build = Scene::request(conn, time, quiet, false);
    build.buildkit = true;
    learn(build);
  }
  // Times of a step are ours; 0: not yet. `digest`: one letter.
  void vertex(ConnId conn, TimeNs time, char digest, const std::string& text, TimeNs started = 0,
              TimeNs completed = 0, const std::string& stage = {}, std::uint32_t number = 2,
              bool cached = false, const std::string& error = {}, const std::string& inputs = {}) {
    VertexSeen seen;
    seen.time = time;
    seen.call = {conn, 0};
    seen.digest = "sha256:" + std::string(64, digest);
    seen.kind = text.starts_with("RUN ")    ? VertexKind::kRun
                : text.starts_with("FROM ") ? VertexKind::kBase
                                            : VertexKind::kOther;
    seen.stage = stage;
    seen.number = number;
    seen.total = 4;
    seen.text = text.starts_with("FROM ") ? text.substr(5) : text;
    seen.cached = cached;
    seen.started = started != 0 ? started + kWall : 0;
    seen.completed = completed != 0 ? completed + kWall : 0;
    seen.error = error;
    for (const char input : inputs) seen.inputs.push_back("sha256:" + std::string(64, input));
    learn(seen);
    clock(conn, time, std::max(started, completed));
  }
  // All that happened until `reached` was told at `time`.
  void clock(ConnId conn, TimeNs time, TimeNs reached) {
    if (reached != 0) learn(BuilderClock{time, {conn, 0}, reached + kWall});
  }
  Process step_process(char id, std::uint32_t pid) {
    Process p = process(id, pid);
    p.cgroup.path = "docker/buildkit/" + step_id(id);
    p.exe = "/bin/sh";
    p.comm = "sh";
    return p;
  }
  // The runtime, and the step's first process.
  void run_step(TimeNs time, char id, const std::string& text, std::uint32_t parent = kDockerd,
                const std::vector<std::string>& layers = {}, TimeNs born = 0) {
    Process runc;
    runc.pid = 5000u + static_cast<std::uint32_t>(id);
    runc.ppid = parent;
    runc.start = runc.pid;
    runc.comm = "runc";
    runc.args = {"runc",     "run",
                 "--bundle", "/var/lib/docker/buildkit/executor/" + step_id(id),
                 "--keep",   step_id(id)};
    runc.layers = layers;
    runc.layer_born = born != 0 ? born + kWall : 0;
    see(ProcessExecuted{time - kMs, runc});
    Process p = step_process(id, static_cast<std::uint32_t>(id));
    p.ppid = runc.pid;
    p.args = {"/bin/sh", "-c", text};
    see(ProcessExecuted{time, p});
  }
  void reach(TimeNs time, char id, const std::string& ip, std::uint64_t egress) {
    const auto pid = static_cast<std::uint32_t>(1000 + egress);
    see(ProcessForked{time, static_cast<std::uint32_t>(id), pid, pid});
    Process p = step_process(id, pid);
    p.args = {"wget", "http://" + ip};
    see(ProcessExecuted{time, p});
    see(EgressStarted{time, egress, 6, Outcome::kPending, {ip, 80}, p});
    see(EgressOutcome{time + kMs, egress, Outcome::kRefused});
  }
};

}  // namespace kilnwatch::test
