#include "identity/process_table.h"

#include <catch2/catch_test_macros.hpp>

using namespace kilnwatch::domain;
using kilnwatch::identity::kMaxAncestors;
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
