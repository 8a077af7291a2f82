#include "app/child.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "app/log.h"
#include "app/watch.h"

namespace kilnwatch::app {

base::Status Child::start(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) {
    return base::Error{base::ErrorClass::kOther, "no process can be made for " + command.front() +
                                                     ": " + std::strerror(errno)};
  }
  if (pid_ == 0) {
    release_signals();
    ::execvp(arguments[0], arguments.data());
    say(Level::kError, command.front() + " cannot be executed: " + std::strerror(errno));
    ::_exit(kCannotExecute);
  }
  return base::Done{};
}

bool Child::ended() {
  if (started() && !ended_) ended_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
  return ended_;
}

void Child::forward(int signal) const {
  if (started() && !ended_) ::kill(pid_, signal);
}

void Child::wait() {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&wanted, number);
  while (started() && !ended()) {
    siginfo_t info{};
    const int number = ::sigwaitinfo(&wanted, &info);
    if (number > 0 && number != SIGCHLD && info.si_code != SI_KERNEL) forward(number);
  }
}

int Child::code() const {
  return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
}

}  // namespace kilnwatch::app
