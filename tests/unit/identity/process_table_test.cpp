#include "identity/process_table.h"

#include <catch2/catch_test_macros.hpp>

using namespace kilnwatch::domain;
using kilnwatch::identity::kMaxAncestors;
using kilnwatch::identity::kMaxKept;
using kilnwatch::identity::kMaxProcesses;
using kilnwatch::identity::ProcessTable;

namespace {

constexpr TimeNs kSecond = 1'000'000'000;

ProcessExecuted exec(std::uint32_t pid, std::uint32_t ppid, TimeNs start, const std::string& exe,
                     TimeNs time = 0) {
  Process p;
  p.pid = pid;
  p.ppid = ppid;
  p.start = start;
  p.exe = exe;
  p.args = {exe, "x"};
  p.cgroup = {7, "a"};
  return {time, p};
}

}  // namespace

TEST_CASE("A child has its parent's face until it executes") {
  ProcessTable table;
  table.observe(exec(1, 0, 10, "/bin/sh"));
  table.observe(ProcessForked{1, 1, 2, 20});
  REQUIRE(table.find(2, 20) != nullptr);
  CHECK(table.find(2, 20)->exe == "/bin/sh");
  CHECK(table.find(2, 20)->ppid == 1);
  CHECK(table.find(2, 20)->cgroup.id == 7);
  table.observe(exec(2, 1, 20, "/bin/wget"));
  CHECK(table.find(2, 20)->exe == "/bin/wget");
  CHECK(table.ancestors(*table.find(2, 20)) == std::vector<std::string>{"/bin/sh"});
}

TEST_CASE("An exec that overtook its fork stays") {
  ProcessTable table;
  table.observe(exec(2, 0, 20, "/bin/wget"));
  table.observe(ProcessForked{1, 1, 2, 20});
  CHECK(table.find(2, 20)->exe == "/bin/wget");
  CHECK(table.find(2, 20)->ppid == 1);
}

TEST_CASE("A pid used again is another process") {
  ProcessTable table;
  table.observe(exec(5, 0, 10, "/bin/old"));
  table.observe(ProcessExited{kSecond, 5, 10, 0});
  table.observe(ProcessForked{kSecond + 1, 1, 5, 30});
  table.observe(exec(5, 1, 30, "/bin/new", kSecond + 2));
  CHECK(table.find(5, 10) == nullptr);
  CHECK(table.find(5, 30)->exe == "/bin/new");
  CHECK(table.find(5)->exe == "/bin/new");
  table.observe(Tick{10 * kSecond});  // the old one's expiry leaves the new one alone
  CHECK(table.find(5, 30) != nullptr);
  Process child;
  child.pid = 6;
  child.ppid = 5;
  child.start = 20;  // before the new owner of its parent's pid began
  CHECK(table.ancestors(child).empty());
}

TEST_CASE("An exited process is known for a little longer, then forgotten") {
  ProcessTable table;
  table.observe(exec(5, 0, 10, "/bin/a"));
  table.observe(ProcessExited{kSecond, 5, 10, 0});
  table.observe(ProcessExited{kSecond, 5, 11, 0});  // somebody else's
  table.observe(Tick{2 * kSecond});
  CHECK(table.find(5, 10) != nullptr);
  table.observe(Tick{7 * kSecond});
  CHECK(table.find(5, 10) == nullptr);
  CHECK(table.size() == 0);
}

TEST_CASE("What came without a face is completed, never overwritten") {
  ProcessTable table;
  table.observe(exec(5, 4, 10, "/bin/a"));
  Process bare;
  bare.pid = 5;
  bare.start = 10;
  table.complete(bare);
  CHECK(bare.exe == "/bin/a");
  CHECK(bare.args == std::vector<std::string>{"/bin/a", "x"});
  CHECK(bare.ppid == 4);
  Process other = bare;
  other.start = 11;
  other.exe.clear();
  table.complete(other);
  CHECK(other.exe.empty());
  Process known = bare;
  known.exe = "/bin/b";
  table.complete(known);
  CHECK(known.exe == "/bin/b");
}

TEST_CASE("Another comm than the known one: what it executed is not known") {
  ProcessTable table;
  auto shell = exec(5, 4, 10, "/bin/sh");
  shell.process.comm = "sh";
  table.observe(shell);
  table.observe(ProcessForked{1, 5, 6, 20});
  Process bare;
  bare.pid = 6;
  bare.start = 20;
  bare.comm = "wget";  // its exec was lost
  table.complete(bare);
  CHECK(bare.exe.empty());
  CHECK(bare.args.empty());
  CHECK(bare.ppid == 5);
  bare.comm = "sh";  // a subshell
  table.complete(bare);
  CHECK(bare.exe == "/bin/sh");
  auto applet = exec(7, 5, 30, "/bin/busybox");  // named after /proc/self/exe, and then itself
  applet.process.comm = "exe";
  applet.process.args = {"wget", "-qO-"};
  table.observe(applet);
  Process named;
  named.pid = 7;
  named.start = 30;
  named.comm = "wget";
  table.complete(named);
  CHECK(named.exe == "/bin/busybox");
  Process again;  // executed once more
  again.pid = 5;
  again.start = 10;
  again.comm = "wget";
  table.complete(again);
  CHECK(again.exe.empty());
}

TEST_CASE("Lineage ends at a process whose program was not told") {
  ProcessTable table;
  table.observe(exec(1, 0, 10, "/bin/shim"));
  table.observe(exec(2, 1, 20, "/bin/sh"));
  table.observe(ProcessForked{1, 2, 3, 30});  // a subshell, or its exec was lost
  table.observe(exec(4, 3, 40, "/bin/wget"));
  CHECK(table.ancestors(*table.find(4)).empty());
  table.observe(exec(3, 2, 30, "/bin/env"));
  CHECK(table.ancestors(*table.find(4)) ==
        std::vector<std::string>{"/bin/env", "/bin/sh", "/bin/shim"});
  auto init = exec(3, 2, 30, "/memfd:runc");  // the container's command was lost
  init.process.args = {"runc", "init"};
  table.observe(init);
  CHECK(table.ancestors(*table.find(4)).empty());
}

TEST_CASE(
    "A runtime's stage is executed through a descriptor, a command of that name by its path") {
  const auto stage = [](const std::string& comm, const std::string& exe, const std::string& word) {
    Process process;
    process.comm = comm;
    process.exe = exe;
    process.args = {word, "init"};
    return kilnwatch::identity::is_runtime_init(process);
  };
  CHECK(stage("exe", "/usr/sbin/runc", "runc"));
  CHECK(stage("runc", "/", "runc"));
  CHECK(stage("6", "/runc", "runc"));
  CHECK(stage("memfd:runc_clon", "/memfd:runc_cloned:/proc/self/exe (deleted)", "/usr/bin/runc"));
  CHECK_FALSE(stage("runc", "/runc", "/runc"));
  CHECK_FALSE(stage("runc", "/usr/bin/miner", "/tmp/runc"));
  CHECK_FALSE(stage("a-long-name-of-", "/tmp/a-long-name-of-a-runc", "/tmp/a-long-name-of-a-runc"));
}

TEST_CASE("A shell with one simple command does not fork: a child tells of an exec that was lost") {
  for (const auto& [text, known] : {std::pair{"sh /forge.sh", false},
                                    {"a; b", true},
                                    {"a && b", true},
                                    {"a | b", true},
                                    {"a\nb", true}}) {
    CAPTURE(text);
    ProcessTable table;
    table.observe(exec(1, 0, 10, "/bin/shim"));
    auto shell = exec(2, 1, 20, "/bin/sh");
    shell.process.comm = "sh";
    shell.process.args = {"/bin/sh", "-c", text};
    table.observe(shell);
    table.observe(ProcessForked{1, 2, 3, 30});
    Process child;
    child.pid = 3;
    child.start = 30;
    child.comm = "sh";
    table.complete(child);
    CHECK(child.exe == (known ? "/bin/sh" : ""));
    CHECK(table.ancestors(child).size() == (known ? 2 : 0));
  }
}

TEST_CASE("Lineage does not depend on when it is asked") {
  ProcessTable table;
  table.observe(exec(1, 0, 10, "/bin/containerd"));
  table.observe(exec(2, 1, 20, "/bin/shim-start"));
  table.observe(exec(3, 2, 30, "/bin/shim"));
  table.observe(ProcessExited{kSecond, 2, 20, 0});
  table.observe(exec(4, 3, 2 * kSecond, "/bin/sh", 2 * kSecond));
  const std::vector<std::string> all{"/bin/shim", "/bin/shim-start", "/bin/containerd"};
  CHECK(table.ancestors(*table.find(4)) == all);
  table.observe(Tick{100 * kSecond});
  CHECK(table.ancestors(*table.find(4)) == all);
  // With the last process below it goes what was kept.
  table.observe(ProcessExited{100 * kSecond, 4, 2 * kSecond, 0});
  table.observe(ProcessExited{100 * kSecond, 3, 30, 0});
  table.observe(Tick{110 * kSecond});
  CHECK(table.find(2) == nullptr);
  CHECK(table.size() == 1);
}

TEST_CASE("A child cannot be of one that was over") {
  ProcessTable table;
  table.observe(exec(5, 0, 10, "/bin/old"));
  table.observe(ProcessExited{kSecond, 5, 10, 0});
  Process child;
  child.ppid = 5;
  child.start = kSecond + 1;
  CHECK(table.ancestors(child).empty());
  child.start = kSecond - 1;
  CHECK(table.ancestors(child) == std::vector<std::string>{"/bin/old"});
  CHECK(table.find_running(5, kSecond) != nullptr);
  CHECK(table.find_running(5, kSecond + 1) == nullptr);
  CHECK(table.find_running(5, 9) == nullptr);
  table.observe(ProcessForked{1, 5, 6, 20});
  CHECK(table.find_running(6, 30) == nullptr);
}

TEST_CASE("A client that was only forked before is told by its connection") {
  ProcessTable table;
  table.observe(exec(5, 0, 10, "/bin/sh"));
  table.observe(ProcessForked{1, 5, 6, 20});
  ClientSeen client;
  client.process = exec(6, 5, 20, "/usr/bin/docker").process;
  table.observe(client);
  CHECK(table.find(6)->exe == "/usr/bin/docker");
}

TEST_CASE("Clients outside the lineage, whose exits nobody tells, are forgotten after a while") {
  ProcessTable table;
  table.observe(exec(1, 0, 1, "/bin/shim"));
  const auto connect = [&](std::uint32_t pid, TimeNs time) {
    ClientSeen client;
    client.time = time;
    client.process = exec(pid, 0, pid, "/usr/bin/docker").process;
    table.observe(client);
  };
  for (std::uint32_t pid = 10; pid < 20; ++pid) connect(pid, kSecond);
  connect(1, kSecond);  // of the lineage
  CHECK(table.size() == 11);
  connect(19, 200 * kSecond);
  table.observe(Tick{302 * kSecond});
  CHECK(table.size() == 2);  // the one that connected again, too
  CHECK(table.find(19) != nullptr);
  table.observe(exec(19, 1, 19, "/bin/a", 303 * kSecond));  // of the lineage after all
  table.observe(Tick{9000 * kSecond});
  CHECK(table.find(19) != nullptr);
  CHECK(table.size() == 2);
  CHECK(table.refused() == 0);
}

TEST_CASE("In a full table the oldest client makes room, and that is counted") {
  ProcessTable table;
  table.observe(exec(1, 0, 1, "/bin/shim"));
  for (std::uint32_t pid = 2; pid <= kMaxProcesses + 2; ++pid) {
    ClientSeen client;
    client.time = kSecond + pid;
    client.process = exec(pid, 0, pid, "/usr/bin/docker").process;
    table.observe(client);
  }
  CHECK(table.size() == kMaxProcesses);
  CHECK(table.refused() == 2);
  CHECK(table.find(1) != nullptr);
  CHECK(table.find(2) == nullptr);
  CHECK(table.find(3) == nullptr);
  CHECK(table.find(4) != nullptr);
  CHECK(table.find(kMaxProcesses + 2) != nullptr);
  table.observe(exec(1'000'000, 1, 5, "/bin/step", 2 * kSecond));
  CHECK(table.find(1'000'000) != nullptr);
  CHECK(table.refused() == 3);
}

TEST_CASE("What is kept for processes below has a limit, and is counted beyond") {
  ProcessTable table;
  // Each one forks and leaves: all are kept for the last one.
  table.observe(exec(1, 0, 1, "/bin/x"));
  for (std::uint32_t pid = 2; pid <= kMaxKept + 3; ++pid) {
    table.observe(ProcessForked{pid, pid - 1, pid, pid});
    table.observe(ProcessExited{pid, pid - 1, pid - 1, 0});
  }
  table.observe(Tick{10 * kSecond});
  CHECK(table.refused() > 0);
  CHECK(table.size() <= kMaxKept + 1);
  table.observe(ProcessExited{10 * kSecond, kMaxKept + 3, kMaxKept + 3, 0});
  table.observe(Tick{20 * kSecond});
  CHECK(table.size() < kMaxKept);
}

TEST_CASE("Lineage ends: at a loop, at its limit") {
  ProcessTable table;
  table.observe(exec(1, 1, 0, "/init"));
  CHECK(table.ancestors(*table.find(1)).size() == 1);
  table.observe(exec(10, 11, 5, "/a"));
  table.observe(exec(11, 10, 5, "/b"));
  CHECK(table.ancestors(*table.find(10)).size() <= kMaxAncestors);
  for (std::uint32_t pid = 100; pid < 200; ++pid) table.observe(exec(pid, pid - 1, pid, "/x"));
  CHECK(table.ancestors(*table.find(199)).size() == kMaxAncestors);
}

TEST_CASE("A full table refuses, counts, and still updates what it has") {
  ProcessTable table;
  for (std::uint32_t pid = 1; pid <= kMaxProcesses; ++pid)
    table.observe(ProcessForked{1, 0, pid, pid});
  CHECK(table.refused() == 0);
  table.observe(ProcessForked{1, 0, 1'000'000, 5});
  CHECK(table.refused() == 1);
  CHECK(table.size() == kMaxProcesses);
  table.observe(exec(7, 1, 7, "/bin/a"));
  CHECK(table.find(7)->exe == "/bin/a");
  CHECK(table.refused() == 1);
}

TEST_CASE("Only an exec that the kernel saw says for certain what a client is") {
  ProcessTable table;
  ClientSeen client;
  client.time = kSecond;
  client.process = exec(6, 1, 20, "/usr/bin/docker").process;
  table.observe(client);
  CHECK(table.find_executed(6, 20) == nullptr);
  client.process.exe = "/usr/bin/curl";  // it executed something, which nobody told
  table.observe(client);
  CHECK(table.find(6)->exe == "/usr/bin/curl");
  table.observe(exec(7, 1, 30, "/usr/bin/docker", kSecond));
  REQUIRE(table.find_executed(7, 30) != nullptr);
  CHECK(table.find_executed(7, 31) == nullptr);
  client.process = exec(7, 1, 30, "/bin/later").process;
  table.observe(client);
  CHECK(table.find_executed(7, 30)->exe == "/usr/bin/docker");
}
