#include "capture/live/proc.h"

#include <unistd.h>
#include <catch2/catch_test_macros.hpp>

using namespace kilnwatch;

TEST_CASE("/proc's word for a program counts only while the process is the one that was seen") {
  auto self = capture::process_of(static_cast<std::uint32_t>(::getpid()));
  REQUIRE(self.pid != 0);
  REQUIRE_FALSE(self.exe.empty());
  self.start += 3'000'000;  // the kernel has it more exactly
  CHECK(capture::exe_of(self) == self.exe);
  auto other = self;
  other.start += 20'000'000;  // the pid was used again
  CHECK(capture::exe_of(other).empty());
  other = self;
  other.comm += "x";  // it executed something since
  CHECK(capture::exe_of(other).empty());
  CHECK(capture::exe_of(other, capture::Comm::kAny) == self.exe);
  other.pid = 0;
  CHECK(capture::exe_of(other).empty());
}
