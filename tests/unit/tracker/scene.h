// Drives tracker and rules the way the pipeline does, in a small engine: containers come from a
// shim, cgroup ids grow.
#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "baseline/memory_store.h"
#include "detect/detector.h"
#include "tracker/tracker.h"

namespace kilnwatch::test {

using namespace domain;

inline constexpr TimeNs kMs = 1'000'000;
inline constexpr std::uint32_t kShim = 7;

inline std::string container(char c) { return std::string(64, c); }

class Scene {
 public:
  Scene() {
    Process shim;
    shim.pid = kShim;
    shim.comm = "containerd-shim";
    see(ProcessExecuted{1, shim});
  }
  void see(const Event& event) {
    tracker_.observe(event);
    judge();
  }
  void learn(const ApiFact& fact) {
    tracker_.learn(fact);
    judge();
  }
  void finish() {
    tracker_.finish();
    judge();
  }
  void pass(TimeNs time) { see(Tick{time}); }

  // A process in a container; the first process has the container's letter as its pid.
  Process process(char id, std::uint32_t pid = 0) {
    Process p;
    p.pid = pid != 0 ? pid : static_cast<std::uint32_t>(id);
    p.ppid = pid != 0 ? static_cast<std::uint32_t>(id) : kShim;
    p.start = p.pid;
    p.comm = "wget";
    p.exe = "/bin/wget";
    p.args = {"wget", "http://198.51.100.66/"};
    auto& cgroup = cgroups_[id];
    if (cgroup == 0) cgroup = ++newest_cgroup_;
    p.cgroup = {cgroup, "system.slice/docker-" + container(id) + ".scope"};
    return p;
  }
  void open(ConnId conn, TimeNs time) {
    ConnOpened opened;
    opened.time = time;
    opened.conn = conn;
    opened.transport = Transport::kTcp;
    opened.client = {"198.51.100.66", static_cast<std::uint16_t>(40000 + conn)};
    opened.server = {"198.51.100.1", 2375};
    see(opened);
  }
  BuildRequested request(ConnId conn, TimeNs time, bool quiet = false, bool learn_it = true) {
    open(conn, time);
    BuildRequested build;
    build.time = time;
    build.call = {conn, 0};
    build.method = "POST";
    build.path = "/build";
    build.tags = {"image" + std::to_string(conn) + ":1"};
    build.quiet = quiet;
    if (learn_it) learn(build);
    return build;
  }
  void dockerfile(ConnId conn, TimeNs time, const std::vector<std::string>& lines) {
    DockerfileSeen seen;
    seen.time = time;
    seen.call = {conn, 0};
    for (const auto& line : lines) {
      const auto as = line.find(" AS ");
      seen.instructions.push_back({line, line.starts_with("RUN "), line.starts_with("FROM "),
                                   as != line.npos ? line.substr(as + 4) : ""});
    }
    learn(seen);
  }
  void line(ConnId conn, TimeNs time, std::uint32_t number, std::uint32_t total,
            const std::string& text) {
    learn(BuildStepAnnounced{time, {conn, 0}, number, total, text});
  }
  void running_in(ConnId conn, TimeNs time, char id) {
    learn(BuildContainerAnnounced{time, {conn, 0}, container(id).substr(0, 12)});
  }
  // The container's first process; empty text: some other command.
  void start(TimeNs time, char id, const std::string& text = {}) {
    Process p = process(id);
    p.exe = "/bin/sh";
    p.comm = "sh";
    if (!text.empty()) p.args = {"/bin/sh", "-c", text};
    see(ProcessExecuted{time, p});
  }
  // And its end.
  void exit(TimeNs time, char id) {
    const Process p = process(id);
    see(ProcessExited{time, p.pid, p.start, 0});
  }
  void step(ConnId conn, TimeNs time, std::uint32_t number, char id, std::uint32_t total = 9) {
    const std::string text = "step " + std::to_string(number);
    line(conn, time, number, total, "RUN " + text);
    running_in(conn, time + kMs, id);
    start(time + 20 * kMs, id, text);
  }
  // A child of the first process connects and is refused.
  void connect(TimeNs time, char id, const std::string& ip, std::uint64_t egress,
               std::uint16_t port = 80) {
    const auto pid = static_cast<std::uint32_t>(1000 + egress);
    see(ProcessForked{time, static_cast<std::uint32_t>(id), pid, pid});
    see(ProcessExecuted{time, process(id, pid)});
    attempt(time, id, ip, egress, port);
    see(EgressOutcome{time + kMs, egress, Outcome::kRefused});
  }
  // A process of which nothing else is known connects.
  void attempt(TimeNs time, char id, const std::string& ip, std::uint64_t egress,
               std::uint16_t port = 80) {
    auto p = process(id, static_cast<std::uint32_t>(1000 + egress));
    p.exe.clear();
    p.args.clear();
    see(EgressStarted{time, egress, 6, Outcome::kPending, {ip, port}, p});
  }
  void leave(TimeNs time, char id) {
    see(ProcessExited{time, static_cast<std::uint32_t>(id), static_cast<std::uint32_t>(id), 0});
  }
  void end(ConnId conn, TimeNs time, BuildStatus status = BuildStatus::kSucceeded) {
    learn(BuildEnded{time, {conn, 0}, status, 200, {}});
  }
  ContainerCreated created(TimeNs time, char id, const std::string& image,
                           const std::string& name = {}) {
    ContainerCreated fact;
    fact.time = time;
    fact.call = {900, static_cast<std::uint32_t>(id)};
    fact.container_id = container(id);
    fact.image = image;
    fact.name = name;
    learn(fact);
    return fact;
  }
  void started(TimeNs time, const std::string& reference) {
    learn(ContainerStarted{time, {901, 0}, reference});
  }

  std::vector<Finding> of(Rule rule) const {
    std::vector<Finding> out;
    std::copy_if(findings_.begin(), findings_.end(), std::back_inserter(out),
                 [&](const auto& f) { return f.rule == rule; });
    return out;
  }
  // Of sensor-blind all but those of one cause.
  std::vector<Finding> blind_but(const std::string& cause) const {
    auto out = of(Rule::kSensorBlind);
    std::erase_if(out, [&](const Finding& f) { return f.health->cause == cause; });
    return out;
  }
  tracker::Tracker& tracker() { return tracker_; }

 private:
  void judge() {
    for (const auto& moment : tracker_.take()) {
      if (auto finding = detector_.judge(moment)) findings_.push_back(std::move(*finding));
    }
  }
  std::map<char, std::uint64_t> cgroups_;
  std::uint64_t newest_cgroup_ = 100;
  tracker::Tracker tracker_{"boot"};
  baseline::MemoryStore seen_;
  detect::Detector detector_{"boot", seen_};
  std::vector<Finding> findings_;
};

inline bool has_reason(const Finding& finding, const std::string& code) {
  return std::any_of(finding.reasons.begin(), finding.reasons.end(),
                     [&](const Reason& r) { return r.code == code; });
}

}  // namespace kilnwatch::test
