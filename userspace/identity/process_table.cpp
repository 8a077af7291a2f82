#include "identity/process_table.h"

#include <algorithm>
#include <string_view>

namespace kilnwatch::identity {

using domain::Process;

namespace {

// 0: nobody.
std::uint32_t parent_of(const Process& process) {
  return process.ppid != process.pid ? process.ppid : 0;
}

constexpr std::size_t kMaxComm = 15;  // TASK_COMM_LEN without its end

std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1).substr(0, kMaxComm);
}

// Executing names a process after the file; programs of many names (busybox, through
// /proc/self/exe) go by their first argument.
bool goes_by(const Process& process, std::string_view comm) {
  return comm == process.comm || comm == name_of(process.exe) ||
         (!process.args.empty() && comm == name_of(process.args[0]));
}

// A shell that was given one simple command becomes that command (busybox, bash, dash since 0.5.11)
// and forks nothing: with a child of its own it has executed something since.
bool becomes_command(const Process& process) {
  if (process.args.size() != 3 || process.args[1] != "-c" || process.args_cut) return false;
  const auto shell = name_of(process.args[0]);
  return (shell == "sh" || shell == "bash" || shell == "dash" || shell == "ash") &&
         process.args[2].find_first_of(";&|(`\n") == std::string::npos;
}

}  // namespace

// It is executed through a descriptor, or out of a file without a path (runc: libcontainer/dmz). A
// container's own first command, also one that is called so, is named after the path that it is
// executed by (kernel: fs/exec.c, begin_new_exec).
bool is_runtime_init(const Process& process) {
  if (process.args.size() != 2 || !process.args[0].ends_with("runc") || process.args[1] != "init")
    return false;
  return process.comm != name_of(process.args[0]) || process.exe == "/";
}

void ProcessTable::put(const Process& process, bool told) {
  const auto it = table_.find(process.pid);
  if (it == table_.end() && table_.size() >= kMaxProcesses) {
    ++refused_;
    if (clients_.empty()) return;
    erase(clients_.begin()->second);  // the one whose last connection is oldest makes room
  }
  ++children_[parent_of(process)];
  kept_.erase(process.pid);
  const auto known = table_.find(process.pid);
  if (known == table_.end()) {
    table_[process.pid] = {process, told, 0, 0};
    return;
  }
  const std::uint32_t before = parent_of(known->second.process);
  clients_.erase({known->second.client, process.pid});
  known->second = {process, told, 0, 0};
  leave(before);
}

// One child less: who was kept for it is not needed any more, nor, then, who was kept for that one.
void ProcessTable::leave(std::uint32_t parent) {
  for (;;) {
    const auto count = children_.find(parent);
    if (count == children_.end() || --count->second > 0) return;
    children_.erase(count);
    if (kept_.erase(parent) == 0) return;
    const auto it = table_.find(parent);
    parent = parent_of(it->second.process);
    clients_.erase({it->second.client, it->first});
    table_.erase(it);
  }
}

void ProcessTable::erase(std::uint32_t pid) {
  const auto it = table_.find(pid);
  const std::uint32_t parent = parent_of(it->second.process);
  clients_.erase({it->second.client, pid});
  table_.erase(it);
  kept_.erase(pid);
  leave(parent);
}

void ProcessTable::retire(std::uint32_t pid) {
  if (!children_.contains(pid)) {
    erase(pid);
  } else if (kept_.size() < kMaxKept) {
    kept_.insert(pid);
  } else {
    ++refused_;
    erase(pid);
  }
}

void ProcessTable::expire(domain::TimeNs now) {
  while (!gone_.empty() && gone_.front().first + kAfterExit < now) {
    const auto [pid, start] = gone_.front().second;
    gone_.pop_front();
    if (entry_of(pid, start) != nullptr) retire(pid);
  }
  while (!clients_.empty() && clients_.begin()->first + kClientKept < now) {
    const std::uint32_t pid = clients_.begin()->second;
    clients_.erase(clients_.begin());
    table_[pid].client = 0;
    retire(pid);
  }
}

// One that the lineage has is not of the clients: its exit will be told.
void ProcessTable::see_client(const domain::ClientSeen& seen) {
  const std::uint32_t pid = seen.process.pid;
  const Entry* known = entry_of(pid, seen.process.start);
  const bool only_client = known == nullptr || known->client != 0;
  const bool anew = only_client && !seen.process.exe.empty();  // it may have executed since
  if (known == nullptr || !known->told || anew) put(seen.process, !seen.process.exe.empty());
  const auto it = table_.find(pid);
  if (!only_client || it == table_.end()) return;
  clients_.erase({it->second.client, pid});
  it->second.client = std::max<domain::TimeNs>(seen.time, 1);
  clients_.insert({it->second.client, pid});
}

void ProcessTable::observe(const domain::Event& event) {
  expire(domain::time_of(event));
  if (const auto* fork = std::get_if<domain::ProcessForked>(&event)) {
    if (const Entry* known = entry_of(fork->pid, fork->start)) {  // its exec overtook the fork
      Process child = known->process;
      child.ppid = fork->parent_pid;
      put(child, known->told);
      return;
    }
    const Process* parent = find(fork->parent_pid);
    Process child = parent != nullptr ? *parent : Process{};
    child.pid = fork->pid;
    child.ppid = fork->parent_pid;
    child.start = fork->start;
    put(child, false);
  } else if (const auto* exec = std::get_if<domain::ProcessExecuted>(&event)) {
    put(exec->process, true);
  } else if (const auto* client = std::get_if<domain::ClientSeen>(&event)) {
    see_client(*client);
  } else if (const auto* exit = std::get_if<domain::ProcessExited>(&event)) {
    if (entry_of(exit->pid, exit->start) == nullptr) return;
    table_[exit->pid].exited = exit->time;
    gone_.emplace_back(exit->time, std::pair{exit->pid, exit->start});
  }
}

const ProcessTable::Entry* ProcessTable::entry_of(std::uint32_t pid, domain::TimeNs start) const {
  const auto it = table_.find(pid);
  if (it == table_.end()) return nullptr;
  const domain::TimeNs known = it->second.process.start;
  return start != 0 && known != 0 && known != start ? nullptr : &it->second;
}

const Process* ProcessTable::find(std::uint32_t pid, domain::TimeNs start) const {
  const Entry* entry = entry_of(pid, start);
  return entry != nullptr ? &entry->process : nullptr;
}

const Process* ProcessTable::find_alive(std::uint32_t pid, domain::TimeNs time) const {
  const Entry* entry = entry_of(pid, 0);
  const bool ran = entry != nullptr && entry->process.start <= time &&
                   (entry->exited == 0 || entry->exited >= time);
  return ran ? &entry->process : nullptr;
}

const Process* ProcessTable::find_running(std::uint32_t pid, domain::TimeNs time) const {
  const Process* process = find_alive(pid, time);
  return process != nullptr && entry_of(pid, 0)->told ? process : nullptr;
}

const Process* ProcessTable::find_executed(std::uint32_t pid, domain::TimeNs start) const {
  const Entry* entry = entry_of(pid, start);
  return entry != nullptr && entry->told && entry->client == 0 ? &entry->process : nullptr;
}

std::vector<std::string> ProcessTable::ancestors(const Process& process) const {
  std::vector<std::string> line;
  domain::TimeNs below = process.start;
  std::uint32_t pid = process.ppid;
  while (pid != 0 && line.size() < kMaxAncestors) {
    const Entry* entry = entry_of(pid, 0);
    if (entry == nullptr || !entry->told || is_runtime_init(entry->process) ||
        becomes_command(entry->process))
      break;
    const Process& parent = entry->process;
    const bool reused = parent.start > below || (entry->exited != 0 && entry->exited < below);
    if (below != 0 && reused) break;
    line.push_back(parent.exe.empty() ? parent.comm : parent.exe);
    below = parent.start;
    if (parent.ppid == pid) break;
    pid = parent.ppid;
  }
  return line;
}

void ProcessTable::complete(Process& process) const {
  const Entry* entry = entry_of(process.pid, process.start);
  if (entry == nullptr) return;
  const Process* known = &entry->process;
  if (process.ppid == 0) process.ppid = known->ppid;
  if (!process.comm.empty() && !goes_by(*known, process.comm)) return;
  if (!entry->told && becomes_command(*known)) return;
  if (process.exe.empty()) process.exe = known->exe;
  if (process.args.empty()) {
    process.args = known->args;
    process.args_cut = known->args_cut;
  }
}

}  // namespace kilnwatch::identity
