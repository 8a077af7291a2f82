#include "capture/live/process_root.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "base/text.h"
#include "capture/live/proc.h"

namespace kilnwatch::capture {
namespace {

using base::Error;
using base::ErrorClass;

#ifndef FUSE_SUPER_MAGIC
constexpr auto FUSE_SUPER_MAGIC = 0x65735546;
#endif

std::string of_proc(std::uint32_t pid, const char* leaf) {
  return "/proc/" + std::to_string(pid) + "/" + leaf;
}

Error failed(const std::string& path, int number) {
  const bool absent = number == ENOENT || number == ENOTDIR;
  return {absent ? ErrorClass::kInput : ErrorClass::kOther, path + ": " + std::strerror(number)};
}

// openat2(2): a path that only names the file; nothing is opened yet.
base::Fd find(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return base::Fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how))));
}

}  // namespace

std::optional<ProcessRoot> ProcessRoot::open(std::uint32_t pid, domain::TimeNs start) {
  base::Fd root(::open(of_proc(pid, "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return std::nullopt;
  ProcessRoot out(std::move(root));
  char target[PATH_MAX];
  const auto n = ::readlink(of_proc(pid, "cwd").c_str(), target, sizeof(target));
  if (n > 0) out.cwd_.assign(target, static_cast<std::size_t>(n));
  for (const auto& entry : base::split_nul(read_small_file(of_proc(pid, "environ")))) {
    if (entry.starts_with("HOME=")) out.home_ = entry.substr(5);
    if (entry.starts_with("XDG_DATA_HOME=")) out.data_home_ = entry.substr(14);
  }
  // Behind all that: what is still so now was so then.
  domain::Process seen;
  seen.pid = pid;
  seen.start = start;
  if (start != 0 && exe_of(seen, Comm::kAny).empty()) return std::nullopt;
  return out;
}

base::Result<std::string> ProcessRoot::read(const std::string& path) const {
  const base::Fd found = find(root_.get(), path);
  if (!found) return failed(path, errno);
  struct stat info {};
  struct statfs system {};
  if (::fstat(found.get(), &info) != 0 || ::fstatfs(found.get(), &system) != 0)
    return failed(path, errno);
  if (!S_ISREG(info.st_mode)) return Error{ErrorClass::kInput, path + ": no regular file"};
  if (system.f_type == FUSE_SUPER_MAGIC)
    return Error{ErrorClass::kOther, path + ": on a file system of a program"};
  if (static_cast<std::uint64_t>(info.st_size) > kMaxFile)
    return Error{ErrorClass::kOther, path + ": larger than is read"};
  const base::Fd file(::open(
      of_proc(static_cast<std::uint32_t>(::getpid()), ("fd/" + std::to_string(found.get())).c_str())
          .c_str(),
      O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) return failed(path, errno);
  std::string text(kMaxFile + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto n = ::read(file.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(path, errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > kMaxFile) return Error{ErrorClass::kOther, path + ": larger than is read"};
  text.resize(size);
  return text;
}

}  // namespace kilnwatch::capture
