// COMMAND of `capture`: one child process that keeps our stdin, stdout and stderr.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace kilnwatch::app {

inline constexpr int kCannotExecute = 127;  // as a shell has it

class Child {
 public:
  // Signals are as they were before hold_signals(). kOther: no process can be made. A program that
  // cannot be executed shows as code kCannotExecute, said on stderr.
  base::Status start(const std::vector<std::string>& command);
  bool started() const { return pid_ > 0; }
  // Looks whether it has ended; never waits.
  bool ended();
  void forward(int signal) const;
  // Waits for the end, handing on signals that come meanwhile.
  void wait();
  // After the end: its exit code, or 128 + signal.
  int code() const;

 private:
  pid_t pid_ = 0;
  bool ended_ = false;
  int status_ = 0;
};

}  // namespace kilnwatch::app
