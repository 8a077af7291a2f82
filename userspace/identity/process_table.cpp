#include "identity/process_table.h"

namespace kilnwatch::identity {

using domain::Process;

void ProcessTable::put(const Process& process) {
  if (table_.size() >= kMaxProcesses && !table_.contains(process.pid)) {
    ++refused_;
    return;
  }
  table_[process.pid] = process;
}

void ProcessTable::expire(domain::TimeNs now) {
  while (!gone_.empty() && gone_.front().first + kAfterExit < now) {
    const auto [pid, start] = gone_.front().second;
    const auto it = table_.find(pid);
    if (it != table_.end() && (start == 0 || it->second.start == start)) table_.erase(it);
    gone_.pop_front();
  }
}

void ProcessTable::observe(const domain::Event& event) {
  expire(domain::time_of(event));
  if (const auto* fork = std::get_if<domain::ProcessForked>(&event)) {
    const Process* known = find(fork->pid, fork->start);
    if (known != nullptr) {  // its exec overtook the fork
      table_[fork->pid].ppid = fork->parent_pid;
      return;
    }
    const Process* parent = find(fork->parent_pid);
    Process child = parent != nullptr ? *parent : Process{};
    child.pid = fork->pid;
    child.ppid = fork->parent_pid;
    child.start = fork->start;
    put(child);
  } else if (const auto* exec = std::get_if<domain::ProcessExecuted>(&event)) {
    put(exec->process);
  } else if (const auto* client = std::get_if<domain::ClientSeen>(&event)) {
    if (find(client->process.pid, client->process.start) == nullptr) put(client->process);
  } else if (const auto* exit = std::get_if<domain::ProcessExited>(&event)) {
    if (find(exit->pid, exit->start) != nullptr) {
      gone_.emplace_back(exit->time, std::pair{exit->pid, exit->start});
    }
  }
}

const Process* ProcessTable::find(std::uint32_t pid, domain::TimeNs start) const {
  const auto it = table_.find(pid);
  if (it == table_.end()) return nullptr;
  if (start != 0 && it->second.start != 0 && it->second.start != start) return nullptr;
  return &it->second;
}

std::vector<std::string> ProcessTable::ancestors(const Process& process) const {
  std::vector<std::string> line;
  domain::TimeNs below = process.start;
  std::uint32_t pid = process.ppid;
  while (pid != 0 && line.size() < kMaxAncestors) {
    const Process* parent = find(pid);
    if (parent == nullptr || (below != 0 && parent->start > below)) break;  // pid used again
    line.push_back(parent->exe.empty() ? parent->comm : parent->exe);
    below = parent->start;
    if (parent->ppid == pid) break;
    pid = parent->ppid;
  }
  return line;
}

void ProcessTable::complete(Process& process) const {
  const Process* known = find(process.pid, process.start);
  if (known == nullptr) return;
  if (process.exe.empty()) process.exe = known->exe;
  if (process.args.empty()) {
    process.args = known->args;
    process.args_cut = known->args_cut;
  }
  if (process.ppid == 0) process.ppid = known->ppid;
}

}  // namespace kilnwatch::identity
