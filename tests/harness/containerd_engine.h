// A containerd beside a dockerd, as the kernel side would tell of its conversations.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/buildkit_engine.h"
#include "harness/containerd.h"

namespace kilnwatch::test {

class ContainerdEngine {
 public:
  static constexpr std::uint32_t kContainerd = 40;

  ContainerdEngine() {
    domain::Process containerd;
    containerd.pid = kContainerd;
    containerd.start = 1;
    containerd.comm = "containerd";
    containerd.exe = "/usr/bin/containerd";
    containerd.args = {"containerd"};
    events_.emplace_back(domain::ProcessExecuted{1, containerd});
  }
  BuildKitEngine docker;

  // Times in ms. A connection of a client of that name; of dockerd's where it is called so.
  void open(domain::ConnId conn, std::uint64_t time, const std::string& program) {
    domain::Process client;
    client.pid =
        program == "dockerd" ? BuildKitEngine::kDockerd : 70 + static_cast<std::uint32_t>(conn);
    client.start = program == "dockerd" ? 1 : client.pid;
    client.uid = program == "dockerd" ? 0 : 2000 + static_cast<std::uint32_t>(conn);
    client.comm = program;
    client.exe = "/usr/bin/" + program;
    client.args = {program};
    meet_client(events_,
                {domain::EngineKind::kContainerd, kContainerd, "/run/containerd/containerd.sock"},
                client, conn, conn + 5000, at(time), at(time));
    say(conn, time, {answers(settings()), asks(client_start())});
  }
  // One socket call a turn, one millisecond after another.
  void say(domain::ConnId conn, std::uint64_t time, const std::vector<Turn>& turns) {
    for (const auto& turn : turns) {
      domain::ConnData data;
      data.time = at(time++);
      data.conn = conn;
      data.direction = turn.direction;
      data.span = static_cast<std::uint32_t>(turn.bytes.size());
      data.bytes = turn.bytes;
      events_.emplace_back(std::move(data));
    }
  }
  void call(domain::ConnId conn, std::uint64_t time, const std::string& path,
            const std::string& message, const std::string& space,
            const std::string& response = {}) {
    const auto stream = next_stream(conn);
    say(conn, time,
        {asks(ask_containerd(stream, path, message, space)),
         answers(answer_containerd(stream, response))});
  }
  void close(domain::ConnId conn, std::uint64_t time) {
    events_.emplace_back(domain::ConnClosed{at(time), conn});
  }
  // `ctr image import` of an image of that configuration.
  void import(domain::ConnId conn, std::uint64_t time, const std::string& space,
              const std::string& name, const std::string& config) {
    open(conn, time, "ctr");
    const auto manifest = manifest_json(config);
    say(conn, time + 2, write_blob(next_stream(conn), "tar-layer", std::string(3000, 'x'), space));
    say(conn, time + 20, write_blob(next_stream(conn), "manifest-m", manifest, space));
    call(conn, time + 40, kOwnServices + "images.v1.Images/Create",
         image_request(name, digest_of(manifest)), space);
    close(conn, time + 50);
  }
  // `ctr run`.
  void run(domain::ConnId conn, std::uint64_t time, const std::string& space,
           const std::string& image, const std::string& id, bool bad = false) {
    open(conn, time, "ctr");
    call(conn, time + 2, kOwnServices + "containers.v1.Containers/Create",
         container_request(id, image, bad), space);
    call(conn, time + 6, kOwnServices + "tasks.v1.Tasks/Create", part(1, id), space);
    call(conn, time + 60, kOwnServices + "tasks.v1.Tasks/Start", part(1, id), space, number(1, 9));
    close(conn, time + 100);
  }
  // A pod and its container over one connection of the kubelet.
  void pod(domain::ConnId conn, std::uint64_t time, const std::string& pod, char sandbox,
           const PodContainer& container, char id, bool host = false) {
    const std::string sandbox_id(64, sandbox), container_id(64, id);
    auto asked = container;
    asked.sandbox = sandbox_id;
    call(conn, time, kCriRuntime + "RunPodSandbox", run_pod_request("shop", pod, host), "",
         part(1, sandbox_id));
    call(conn, time + 10, kCriRuntime + "CreateContainer", create_request(asked), "",
         part(1, container_id));
    call(conn, time + 20, kCriRuntime + "StartContainer", part(1, container_id), "");
  }

  // All, dockerd's too, in order of time.
  Events events() const {
    Events all = events_;
    std::map<std::pair<domain::ConnId, domain::Direction>, std::uint64_t> places;
    std::stable_sort(all.begin(), all.end(), sooner);
    for (auto& event : all) {
      auto* data = std::get_if<domain::ConnData>(&event);
      if (data == nullptr) continue;
      auto& place = places[{data->conn, data->direction}];
      data->pos = place;
      place += data->span;
    }
    const auto others = docker.events();
    all.insert(all.end(), others.begin(), others.end());
    std::stable_sort(all.begin(), all.end(), sooner);
    return all;
  }

 private:
  static bool sooner(const domain::Event& a, const domain::Event& b) {
    return domain::time_of(a) < domain::time_of(b);
  }
  static domain::TimeNs at(std::uint64_t ms) {
    return (100'000 + ms) * BuildKitEngine::kMs;  // as BuildKitEngine has it
  }
  std::uint32_t next_stream(domain::ConnId conn) {
    auto& next = streams_[conn];
    next = next == 0 ? 1 : next + 2;
    return next;
  }
  Events events_;
  std::map<domain::ConnId, std::uint32_t> streams_;
};

}  // namespace kilnwatch::test
