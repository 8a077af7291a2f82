#include "app/state_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"

namespace kilnwatch::app {
namespace {

base::Error refused(const std::string& path, const std::string& why) {
  return {base::ErrorClass::kEnvironment, "the state directory " + path + " " + why};
}

}  // namespace

base::Status make_state_dir(const std::string& path) {
  const std::string another = "); name a writable one with --state-dir";
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return refused(path, std::string("cannot be made (") + std::strerror(errno) + another);
  }
  const base::Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat info {};
  if (!folder || ::fstat(folder.get(), &info) != 0) {
    return refused(path, std::string("cannot be used (") + std::strerror(errno) + another);
  }
  if (info.st_uid != ::geteuid()) {
    return refused(path, "belongs to another user; `chown` it, or name another with --state-dir");
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return refused(path, "can be written by others; `chmod 700` it after a look at what is in it");
  }
  if (::faccessat(folder.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    return refused(path, std::string("cannot be written (") + std::strerror(errno) + another);
  }
  return base::Done{};
}

}  // namespace kilnwatch::app
