// Signals of the live loop.
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "app/watch.h"

namespace kilnwatch::app {
namespace {

sigset_t signals_before;

sigset_t held_signals() {
  sigset_t held;
  ::sigemptyset(&held);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&held, number);
  return held;
}

}  // namespace

void hold_signals() {
  const sigset_t held = held_signals();
  ::sigprocmask(SIG_BLOCK, &held, &signals_before);
}

void release_signals() {
  std::signal(SIGPIPE, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &signals_before, nullptr);
}

base::Fd open_signals() {
  const sigset_t held = held_signals();
  return base::Fd(::signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK));
}

bool take_signals(const base::Fd& fd, const Watch& parts, Pipeline& pipeline) {
  bool go_on = true;
  for (signalfd_siginfo info{}; ::read(fd.get(), &info, sizeof(info)) == sizeof(info);) {
    const Signal signal{static_cast<int>(info.ssi_signo), info.ssi_code == SI_KERNEL};
    if (signal.number == SIGHUP && parts.reload) {
      if (const auto policy = parts.reload()) pipeline.apply(*policy);
    } else if (parts.on_signal) {
      go_on = parts.on_signal(signal) && go_on;
    } else if (signal.number != SIGCHLD) {
      go_on = false;
    }
  }
  return go_on;
}

}  // namespace kilnwatch::app
