#include "tracker/containers.h"

#include <algorithm>

#include "identity/container.h"

namespace kilnwatch::tracker {

using namespace domain;

namespace {

constexpr std::size_t kEvictionLooks = 64;  // entries looked at for one that is over

bool is_shim(const Process& process) {
  return process.comm.starts_with("containerd-shim") ||
         process.exe.find("containerd-shim") != std::string::npos;
}

// The runtime's shim adopts a container's first process, or the runtime itself waits for it; every
// later one has a parent inside.
bool starts(const Process& parent, const std::string& id, const identity::ProcessTable& processes) {
  if (!identity::is_buildkit_step(id)) return is_shim(parent);
  return identity::runs_buildkit_step(parent, processes.find(parent.ppid), id);
}

}  // namespace

void Containers::note_cgroup(const Cgroup& cgroup) {
  newest_cgroup_ = std::max(newest_cgroup_, cgroup.id);
}

// One that is over goes first, else the oldest.
void Containers::make_room() {
  for (std::size_t n = 0; n < kEvictionLooks && n < order_.size(); ++n) {
    const std::string id = order_.begin()->second;
    Container& container = table_.at(id);
    if (container.exited != 0) return forget(id);
    order_.erase(order_.begin());
    container.rank = next_rank_++;
    order_[container.rank] = id;
  }
  ++refused_;
  forget(std::string(order_.begin()->second));
}

Containers::Met Containers::meet(const Process& process, TimeNs time, bool exec,
                                 const identity::ProcessTable& processes) {
  const std::string id = identity::container_of(process.cgroup);
  if (id.empty()) return {};
  Met met;
  auto it = table_.find(id);
  if (it == table_.end()) {
    if (table_.size() >= kMaxContainers) make_room();
    it = table_.emplace(id, Container{}).first;
    it->second.id = id;
    it->second.first_seen = time;
    it->second.cgroup = process.cgroup.id;
    it->second.other_engine = identity::of_other_engine(process.cgroup);
    it->second.rank = next_rank_++;
    order_[it->second.rank] = id;
    met.fresh = true;
  }
  Container& container = it->second;
  met.container = &container;
  container.first_seen = std::min(container.first_seen, time);
  container.last_seen = std::max(container.last_seen, time);
  container.start_seen |= exec || processes.find(process.pid, process.start) != nullptr;
  // runc's own first stage runs inside the new cgroup, now and then: it races with its parent,
  // which puts it there (runc 1.1: re-execution from a memfd).
  if (!exec || container.init_pid != 0 || identity::is_runtime_init(process)) return met;
  const Process* parent = processes.find(process.ppid);
  if (parent == nullptr || !starts(*parent, id, processes)) return met;
  container.init_pid = process.pid;
  container.init_start = process.start;
  container.other_engine = container.other_engine || identity::of_other_namespace(*parent);
  container.init_args = process.args;
  container.args_cut = process.args_cut;
  by_init_[{process.pid, process.start}] = id;
  met.told = true;
  return met;
}

Container* Containers::exit(std::uint32_t pid, TimeNs start, TimeNs time) {
  const auto it = by_init_.find({pid, start});
  if (it == by_init_.end()) return nullptr;
  Container* container = find(it->second);
  by_init_.erase(it);
  if (container != nullptr && container->exited == 0) container->exited = time;
  return container;
}

void Containers::forget(const std::string& id) {
  const auto it = table_.find(id);
  if (it == table_.end()) return;
  by_init_.erase({it->second.init_pid, it->second.init_start});
  if (it->second.exited != 0) past_.insert(id);
  order_.erase(it->second.rank);
  table_.erase(it);
}

Container* Containers::find(const std::string& id) {
  const auto it = table_.find(id);
  return it == table_.end() ? nullptr : &it->second;
}

std::vector<Container*> Containers::with_prefix(const std::string& prefix) {
  std::vector<Container*> found;
  for (auto it = table_.lower_bound(prefix);
       it != table_.end() && it->first.starts_with(prefix) && found.size() < 2; ++it) {
    found.push_back(&it->second);
  }
  return found;
}

}  // namespace kilnwatch::tracker
