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
bool starts(const Process& parent, const std::string& id, const std::string& home,
            const identity::ProcessTable& processes) {
  if (!identity::is_buildkit_step(id)) return is_shim(parent);
  return identity::runs_buildkit_step(parent, processes.find(parent.ppid), id, home);
}

using Chain = std::vector<std::string>;

bool begins_with(const Chain& chain, const Chain& with) {
  return with.size() <= chain.size() && std::equal(with.begin(), with.end(), chain.begin());
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

std::string Containers::home_of(const Process& process,
                                const identity::ProcessTable& processes) const {
  Chain chain = identity::containers_of(process.cgroup);
  std::size_t base = 0;  // containers that are not of this engine
  if (!home_.empty()) {
    const auto at = std::find(chain.begin(), chain.end(), home_);
    if (at == chain.end()) return {};
    base = static_cast<std::size_t>(at - chain.begin()) + 1;
  } else if (chain.size() < 2) {
    return chain.empty() ? std::string() : chain.front();
  }
  if (chain.size() == base) return {};
  // As it was when it executed last, first: it may have moved itself since.
  const Process* at = processes.find(process.pid, process.start);
  if (at == nullptr) at = processes.find(process.ppid);
  for (std::size_t n = 0; n < identity::kMaxAncestors && at != nullptr; ++n) {
    const auto first = by_init_.find({at->pid, at->start});
    if (first != by_init_.end() &&
        std::find(chain.begin(), chain.end(), first->second) != chain.end())
      return first->second;
    Chain above = identity::containers_of(at->cgroup);
    if (above != chain) {
      if (!begins_with(chain, above)) break;
      if (above.size() == base) return chain.back();  // the engine made it
      if (above.size() < base) return {};             // an engine further out did
      chain = std::move(above);
    }
    at = processes.find(at->ppid);
  }
  return home_.empty() ? chain.back() : std::string();
}

Containers::Met Containers::meet(const Process& process, TimeNs time, bool exec,
                                 const identity::ProcessTable& processes,
                                 const identity::BuildStep* step) {
  const std::string id = step != nullptr ? step->id : home_of(process, processes);
  if (id.empty()) return {};
  const bool own = step != nullptr || identity::container_of(process.cgroup) == id;
  Met met;
  auto it = table_.find(id);
  if (it == table_.end()) {
    if (table_.size() >= kMaxContainers) make_room();
    it = table_.emplace(id, Container{}).first;
    it->second.id = id;
    it->second.first_seen = time;
    if (own) {
      it->second.cgroup = process.cgroup.id;
      it->second.other_engine = step == nullptr && identity::of_other_engine(process.cgroup);
    }
    if (step != nullptr) {
      it->second.above = step->above;
      it->second.named = step->container;
    }
    it->second.rank = next_rank_++;
    order_[it->second.rank] = id;
    met.fresh = true;
  }
  Container& container = it->second;
  met.container = &container;
  // Given only when the command runs: a runtime's stage may be met in its cgroup before.
  if (step != nullptr) container.ordinal = std::max(container.ordinal, step->ordinal);
  container.first_seen = std::min(container.first_seen, time);
  container.last_seen = std::max(container.last_seen, time);
  container.start_seen |= exec || processes.find(process.pid, process.start) != nullptr;
  if (container.engine_pid == 0 && identity::is_buildkit_step(id)) {
    const Process* runtime = processes.find(process.ppid);
    if (runtime != nullptr && starts(*runtime, id, home_, processes))
      container.engine_pid = runtime->ppid;
  }
  // runc's own first stage runs inside the new cgroup, now and then: it races with its parent,
  // which puts it there (runc 1.1: re-execution from a memfd).
  if (!own || !exec || identity::is_runtime_init(process)) return met;
  const bool again = step == nullptr && container.exited != 0 &&
                     (process.pid != container.init_pid || process.start != container.init_start);
  if (container.init_pid != 0 && !again) return met;
  if (step != nullptr) {
    if (step->first != identity::key_of(process)) return met;
  } else {
    const Process* parent = processes.find(process.ppid);
    if (parent == nullptr || !starts(*parent, id, home_, processes)) return met;
    container.uid = parent->uid;
    container.layers = parent->layers;
    container.layer_born = parent->layer_born;
    container.other_engine = container.other_engine || identity::of_other_namespace(*parent);
  }
  if (again) {  // started anew while it was remembered
    past_.insert(id);
    container.exited = 0;
  }
  container.init_pid = process.pid;
  container.init_start = process.start;
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
  if (it->second.exited != 0 && it->second.above.empty()) past_.insert(id);
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
