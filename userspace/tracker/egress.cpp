#include "identity/container.h"
#include "tracker/tracker.h"

namespace kilnwatch::tracker {

using namespace domain;

void Tracker::meet_container(const Process& process, TimeNs time, bool exec) {
  const std::string id = identity::container_of(process.cgroup);
  if (id.empty()) return;
  const auto it = containers_.find(id);
  if (it != containers_.end()) {
    it->second.first_seen = std::min(it->second.first_seen, time);
    return;
  }
  if (containers_.size() >= kMaxContainers) {
    std::erase_if(containers_, [&](const auto& c) {
      return c.second.exited != 0 && c.second.exited + kLinger < time;
    });
    if (containers_.size() >= kMaxContainers) {
      ++counters_.refused;
      return;
    }
  }
  containers_[id] = {time, 0, exec ? process.pid : 0, process.args, exec};
}

Tracker::Owner Tracker::owner_of(const Flow& flow) {
  Owner owner;
  const auto it = containers_.find(flow.container);
  if (it == containers_.end() || created_by_api(flow.container)) return owner;
  const Container& container = it->second;
  for (auto& [call, run] : runs_) {
    for (const Announced& a : run.announced) {
      if (!flow.container.starts_with(a.short_id) || container.first_seen < a.time) continue;
      owner.run = &run;
      owner.step = a.step;
      owner.step.attribution = Attribution::kExact;
      return owner;
    }
  }
  for (auto& [call, run] : runs_) {
    const Build& build = run.build;
    if (!build.request.quiet || container.first_seen < build.started || !container.started_seen ||
        (build.ended != 0 && container.first_seen > build.ended)) {
      continue;
    }
    Step step;
    bool matched = !build.dockerfile;
    if (build.dockerfile) {
      std::uint32_t number = 0;
      for (const Instruction& instruction : build.dockerfile->instructions) {
        ++number;
        if (!instruction.is_run || container.init_args.size() != 3 || instruction.text.size() < 4 ||
            instruction.text.substr(4) != container.init_args[2]) {
          continue;
        }
        step.number = number;
        step.total = static_cast<std::uint32_t>(build.dockerfile->instructions.size());
        step.instruction = instruction.text;
        matched = true;
        break;
      }
    }
    if (!matched) continue;
    owner.reasons.push_back(
        {"candidate", "build " + build.id + " step " + std::to_string(step.number)});
    step.attribution = owner.run == nullptr ? Attribution::kInferred : Attribution::kAmbiguous;
    if (owner.run == nullptr) {
      owner.run = &run;
      owner.step = step;
    }
    owner.step.attribution = step.attribution;
  }
  if (owner.step.attribution != Attribution::kAmbiguous) owner.reasons.clear();
  return owner;
}

namespace {

void read_http(const std::string& payload, Connection& connection) {
  const std::size_t line = payload.find("\r\n");
  if (line == std::string::npos) return;
  const std::size_t first = payload.find(' ');
  const std::size_t second = payload.find(' ', first + 1);
  if (first > 10 || second > line || payload.compare(second + 1, 5, "HTTP/") != 0) return;
  connection.http_method = payload.substr(0, first);
  connection.http_path = payload.substr(first + 1, second - first - 1);
  const std::size_t host = payload.find("\r\nHost: ");
  if (host == std::string::npos) return;
  connection.http_host = payload.substr(host + 8, payload.find("\r\n", host + 8) - host - 8);
}

}  // namespace

bool Tracker::decide(Flow& flow, TimeNs now, bool last) {
  Owner owner = owner_of(flow);
  if (owner.run == nullptr) return last;
  if (!flow.ripe && !last) return false;
  Run& run = *owner.run;
  const TimeNs due = flow.ripe ? now : std::min(now, flow.egress.time + kEgressWait);
  if (!run.reported) report_request(run, due);
  Moment moment;
  moment.kind = MomentKind::kBuildEgress;
  moment.time = due;
  moment.call = run.build.request.call;
  Connection connection;
  connection.time = flow.egress.time;
  connection.protocol = flow.egress.protocol;
  connection.destination = flow.egress.destination;
  connection.outcome = flow.egress.outcome;
  connection.process = flow.egress.process;
  processes_.complete(connection.process);
  connection.ancestors = processes_.ancestors(connection.process);
  read_http(flow.payload, connection);
  owner.step.container_id = flow.container;
  owner.step.cgroup = flow.egress.process.cgroup.path;
  moment.key = flow.container + "/" + connection.destination.ip + "/" +
               std::to_string(connection.destination.port);
  moment.to_engine = listeners_.contains(connection.destination);
  moment.build = run.build;
  moment.step = std::move(owner.step);
  moment.connection = std::move(connection);
  moment.reasons = std::move(owner.reasons);
  moments_.push_back(std::move(moment));
  return true;
}

void Tracker::advance_egress(TimeNs now) {
  for (auto it = flows_.begin(); it != flows_.end();) {
    Flow& flow = it->second;
    const bool last = flow.egress.time + kEgressWait <= now;
    it = decide(flow, now, last) ? flows_.erase(it) : std::next(it);
  }
}

}  // namespace kilnwatch::tracker
