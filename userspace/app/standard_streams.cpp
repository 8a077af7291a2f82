#include "app/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace kilnwatch::app {
namespace {

bool stdout_was_closed = false;

}  // namespace

void hold_standard_streams() {
  std::signal(SIGPIPE, SIG_IGN);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    if (fd == STDOUT_FILENO) stdout_was_closed = true;
    // The lowest free number is this one: those below are open by now.
    (void)::open("/dev/null", (fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
  }
}

base::Status stdout_usable() {
  if (stdout_was_closed) return stdout_error(EBADF);
  const int flags = ::fcntl(STDOUT_FILENO, F_GETFL);
  if (flags < 0) return stdout_error(errno);
  if ((flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH) != 0) return stdout_error(EBADF);
  return base::Done{};
}

int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

base::Status write_stdout(std::string_view bytes) {
  if (const int error = write_all(STDOUT_FILENO, bytes); error != 0) return stdout_error(error);
  return base::Done{};
}

base::Error stdout_error(int error) {
  std::string message = "standard output cannot be written (";
  message += error == EBADF ? "it is closed, or open for reading only" : std::strerror(error);
  message += "); ";
  message += error == ENOSPC || error == EDQUOT ? "make room where it goes"
             : error == EPIPE                   ? "its reader is gone: keep it alive"
                                                : "redirect it to a file or a pipe";
  return {base::ErrorClass::kOther, message};
}

}  // namespace kilnwatch::app
