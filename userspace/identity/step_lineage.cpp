#include "identity/step_lineage.h"

#include <algorithm>
#include <string_view>

#include "domain/builder.h"

namespace kilnwatch::identity {

using domain::Process;

namespace {

constexpr std::string_view kContainer = "buildah-buildah";

bool is_runtime(const Process& process) {
  if (process.args.empty()) return false;
  const std::string_view program = process.args[0];
  const std::string_view name = program.substr(program.rfind('/') + 1);
  return name == "runc" || name == "crun";
}

bool is_builder(const Process& process) {
  if (process.args.empty()) return false;
  const std::string_view program = process.args[0];
  const std::string_view name = program.substr(program.rfind('/') + 1);
  return name == "podman" || name.starts_with("buildah");
}

bool is_container(std::string_view text) {
  return text.size() > kContainer.size() && text.starts_with(kContainer) &&
         text.find_first_not_of("0123456789", kContainer.size()) == text.npos;
}

// "runc … create|start|state|delete … buildah-buildah<digits>": the container; else empty.
std::string container_named(const Process& process) {
  return is_runtime(process) && is_container(process.args.back()) ? process.args.back()
                                                                  : std::string();
}

// The same of the one that makes it.
std::string made_container(const Process& process) {
  const auto& args = process.args;
  const bool creates = std::find(args.begin(), args.end(), "create") != args.end();
  return creates ? container_named(process) : std::string();
}

// "runc-buildah-buildah<digits>.scope", or the bare id where no systemd makes it.
std::string container_in(std::string_view path) {
  const auto from = path.rfind(kContainer);
  if (from == path.npos) return {};
  std::string_view name = path.substr(from);
  name = name.substr(0, name.find_first_of("./"));
  return is_container(name) ? std::string(name) : std::string();
}

std::vector<ProcessKey> line_above(const Process& process, const ProcessTable& processes) {
  std::vector<ProcessKey> line;
  std::uint32_t pid = process.ppid;
  while (pid != 0 && line.size() < kMaxAncestors) {
    const Process* parent = processes.find(pid);
    if (parent == nullptr) break;
    line.push_back(key_of(*parent));
    if (parent->ppid == pid) break;
    pid = parent->ppid;
  }
  return line;
}

}  // namespace

StepLineage::Member* StepLineage::find(std::uint32_t pid, domain::TimeNs start) {
  const auto it = members_.find(pid);
  if (it == members_.end()) return nullptr;
  const domain::TimeNs known = it->second.start;
  return start != 0 && known != 0 && start != known ? nullptr : &it->second;
}

void StepLineage::put(std::uint32_t pid, Member member) {
  if (members_.size() >= kMaxStepProcesses && !members_.contains(pid)) {
    ++refused_;
    return;
  }
  remove(pid);
  if (member.role == Role::kStep) ++counts_[member.step->id];
  members_.emplace(pid, std::move(member));
}

void StepLineage::remove(std::uint32_t pid) {
  const auto it = members_.find(pid);
  if (it == members_.end()) return;
  if (it->second.role == Role::kStep) {
    const auto count = counts_.find(it->second.step->id);
    if (--count->second == 0) counts_.erase(count);
  }
  members_.erase(it);
}

bool StepLineage::has_members(const std::string& id) const { return counts_.contains(id); }

void StepLineage::expire(domain::TimeNs now) {
  while (!gone_.empty() && gone_.front().first + kAfterExit < now) {
    const auto [pid, start] = gone_.front().second;
    gone_.pop_front();
    if (find(pid, start) == nullptr) continue;
    const auto step = members_[pid].step;
    remove(pid);
    if (step != nullptr && step.use_count() == 1) containers_.erase(step->id);
  }
}

// Of the builders whose end was not seen one gives way: what is told of its steps is less sure
// then.
StepLineage::Seen& StepLineage::seen_of(const ProcessKey& builder) {
  if (seen_.size() >= kMaxBuilders && !seen_.contains(builder)) seen_.erase(seen_.begin());
  return seen_[builder];
}

// The command runs from here on.
void StepLineage::begin(const Process& process, const Member& from) {
  auto step = from.step;
  if (from.role == Role::kBuilder) step = std::make_shared<BuildStep>(*from.step);
  if (step->first.pid != 0) return;  // a hook of the runtime's, afterwards
  if (!step->container) {
    step->id = "step-" + std::to_string(process.pid) + "-" + std::to_string(process.start);
  }
  step->first = key_of(process);
  if (!step->above.empty()) {
    Seen& seen = seen_of(step->above.front());
    seen.ids.insert(step->id);
    step->ordinal = std::max(seen.launched, static_cast<std::uint32_t>(seen.ids.size()));
  }
  put(process.pid, {Role::kStep, process.start, std::move(step)});
}

// Every command of a runtime names the container, whether or not the launcher's record came.
void StepLineage::witness(const Process& process, const ProcessTable& processes) {
  const std::string id = container_named(process);
  if (id.empty()) return;
  const Process* launcher = processes.find(process.ppid);
  const Process* builder = launcher != nullptr ? processes.find(launcher->ppid) : nullptr;
  if (builder != nullptr && is_builder(*builder)) seen_of(key_of(*builder)).ids.insert(id);
}

void StepLineage::execute(const Process& process, const ProcessTable& processes) {
  Member* own = find(process.pid, process.start);
  Member* above = own != nullptr ? own : find(process.ppid, 0);
  // Whatever a step executes, and calls itself, is of the step.
  if (above != nullptr && above->role == Role::kStep) {
    return put(process.pid, {Role::kStep, process.start, above->step});
  }
  const auto launch = [&](Role role) {
    const bool again = own != nullptr && own->role == role && own->step->first.pid == 0;
    auto step = std::make_shared<BuildStep>();
    step->above = line_above(process, processes);
    if (role == Role::kLauncher && !again && !step->above.empty())
      ++seen_of(step->above.front()).launched;
    if (role == Role::kBuilder) step->above.insert(step->above.begin(), key_of(process));
    put(process.pid, {role, process.start, std::move(step)});
  };
  const std::string name = process.args.empty() ? std::string() : process.args[0];
  if (name == "buildah-oci-runtime" || name == "buildah-chroot-runtime")
    return launch(Role::kLauncher);
  if (name == "buildah-chroot-exec") {  // it forks the command
    if (above == nullptr) return launch(Role::kMaker);
    if (above->role != Role::kLauncher) return;
    return put(process.pid,
               {Role::kMaker, process.start, std::make_shared<BuildStep>(*above->step)});
  }
  if (domain::is_kaniko(process)) return launch(Role::kBuilder);
  if (above == nullptr) return;
  switch (above->role) {
    case Role::kLauncher:
      if (const std::string id = made_container(process); !id.empty()) {
        auto step = std::make_shared<BuildStep>(*above->step);
        step->id = id;
        step->container = true;
        containers_[id] = step;
        put(process.pid, {Role::kMaker, process.start, std::move(step)});
      }
      return;
    case Role::kBuilder:
      return begin(process, *above);
    case Role::kMaker:
      if (is_runtime(process)) return;  // its first stage in the container
      return begin(process, *above);
    case Role::kStep:
      return;
  }
}

void StepLineage::observe(const domain::Event& event, const ProcessTable& processes) {
  expire(domain::time_of(event));
  if (const auto* fork = std::get_if<domain::ProcessForked>(&event)) {
    const Member* parent = find(fork->parent_pid, 0);
    if (parent == nullptr || find(fork->pid, fork->start) != nullptr) return;
    if (parent->role == Role::kBuilder && parent->start == parent->step->above.front().start)
      ++seen_of(parent->step->above.front()).launched;
    put(fork->pid, {parent->role, fork->start, parent->step});
  } else if (const auto* exec = std::get_if<domain::ProcessExecuted>(&event)) {
    witness(exec->process, processes);
    execute(exec->process, processes);
  } else if (const auto* exit = std::get_if<domain::ProcessExited>(&event)) {
    seen_.erase({exit->pid, exit->start});
    if (find(exit->pid, exit->start) != nullptr)
      gone_.emplace_back(exit->time, ProcessKey{exit->pid, exit->start});
  }
}

std::shared_ptr<const BuildStep> StepLineage::step_of(const Process& process) const {
  const auto it = members_.find(process.pid);
  if (it != members_.end() && it->second.role == Role::kStep) {
    const domain::TimeNs known = it->second.start;
    if (known == 0 || process.start == 0 || known == process.start) return it->second.step;
  }
  const auto made = containers_.find(container_in(process.cgroup.path));
  return made != containers_.end() ? made->second.lock() : nullptr;
}

}  // namespace kilnwatch::identity
