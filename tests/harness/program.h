// The program itself, as a user runs it (KILNWATCH_PROGRAM).
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <string>

#include "harness/recordings.h"

namespace kilnwatch::test {

// What it writes; it must end well. `dir`: for its streams.
inline std::string output_of(const TempDir& dir, const std::string& arguments) {
  const std::string command = std::string(KILNWATCH_PROGRAM) + " " + arguments + " > " +
                              dir.file("out") + " 2> " + dir.file("err");
  INFO(command);
  const int code = std::system(command.c_str());
  INFO(slurp(dir.file("err")));
  CHECK(code == 0);
  return slurp(dir.file("out"));
}

}  // namespace kilnwatch::test
