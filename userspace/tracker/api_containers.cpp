#include "tracker/api_containers.h"

#include <algorithm>
#include <iterator>

namespace kilnwatch::tracker {

ApiContainers::Entry& ApiContainers::entry(const std::string& id) {
  const auto [it, fresh] = table_.try_emplace(id);
  if (!fresh) return it->second;
  order_.push_back(id);
  if (order_.size() > kMaxApiContainers) {
    const auto old = table_.find(order_.front());
    const auto name = names_.find(old->second.name);
    if (name != names_.end() && name->second == old->first) names_.erase(name);
    table_.erase(old);
    order_.pop_front();
  }
  return it->second;
}

void ApiContainers::created(const std::string& id, const std::string& scope,
                            const std::string& name) {
  Entry& made = entry(id);
  if (name.empty()) return;
  made.name = scope + name;
  names_[made.name] = id;
}

void ApiContainers::mounted(const std::string& id, const domain::ContainerCreated& created) {
  Entry& made = entry(id);
  made.mounts.reset();
  if (!created.volumes_from.empty() || created.left_out > 0) return;
  std::vector<std::string> mounts;
  for (const std::string& bind : created.binds) {
    if (bind.starts_with('/')) mounts.push_back(bind);
  }
  if (mounts.size() <= kMaxLent) made.mounts = std::move(mounts);
}

const std::vector<std::string>* ApiContainers::mounts(const std::string& id) const {
  const auto it = table_.find(id);
  return it == table_.end() || !it->second.mounts ? nullptr : &*it->second.mounts;
}

void ApiContainers::connected(const std::string& id, const domain::Endpoint& to) {
  Entry& made = entry(id);
  if (std::find(made.reached.begin(), made.reached.end(), to) != made.reached.end()) return;
  if (made.reached.size() >= kMaxReached) {
    ++made.refused;
    return;
  }
  made.reached.push_back(to);
}

std::string ApiContainers::find(const std::string& scope, const std::string& reference) const {
  if (reference.empty()) return {};
  if (table_.contains(reference)) return reference;
  if (const auto name = names_.find(scope + reference); name != names_.end()) return name->second;
  const auto first = table_.lower_bound(reference);
  if (first == table_.end() || !first->first.starts_with(reference)) return {};
  const auto second = std::next(first);
  const bool several = second != table_.end() && second->first.starts_with(reference);
  return several ? std::string() : first->first;
}

std::vector<domain::Endpoint> ApiContainers::reached(const std::string& id) const {
  const auto it = table_.find(id);
  return it == table_.end() ? std::vector<domain::Endpoint>() : it->second.reached;
}

std::uint64_t ApiContainers::refused(const std::string& id) const {
  const auto it = table_.find(id);
  return it == table_.end() ? 0 : it->second.refused;
}

}  // namespace kilnwatch::tracker
