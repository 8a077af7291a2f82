#include "app/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kilnwatch::app {
namespace {

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

base::Status write_stdout(std::string_view bytes) {
  if (write_all(STDOUT_FILENO, bytes)) return base::Done{};
  return base::Error{base::ErrorClass::kOther,
                     std::string("standard output cannot be written (") + std::strerror(errno) +
                         "); alerts from here on are lost: keep its reader alive"};
}

void say(std::string_view message) {
  std::string line = "kilnwatch: ";
  line.append(message);
  line.push_back('\n');
  // Nobody is left to tell when stderr itself is gone.
  (void)write_all(STDERR_FILENO, line);
}

}  // namespace kilnwatch::app
