#include "app/config_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "app/log.h"
#include "base/clock.h"
#include "base/fd.h"
#include "policy/limits.h"
#include "policy/notes.h"
#include "policy/parse.h"

namespace kilnwatch::app {
namespace {

base::Error refused(const std::string& file, const std::string& why) {
  return {base::ErrorClass::kUsage, "the configuration " + file + " " + why};
}

bool others_write(const struct stat& info) { return (info.st_mode & (S_IWGRP | S_IWOTH)) != 0; }
bool others_own(const struct stat& info) { return info.st_uid != 0 && info.st_uid != ::geteuid(); }

// In a folder that others can write they could put another file in its place. A sticky bit keeps
// them from that, and so does a mount for reading only, as Kubernetes gives it to a ConfigMap.
base::Status folder_is_safe(const std::string& file) {
  const auto slash = file.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : file.substr(0, slash + 1);
  struct stat info {};
  struct statvfs mount {};
  if (::stat(folder.c_str(), &info) != 0 || ::statvfs(folder.c_str(), &mount) != 0)
    return refused(file, std::string("has no folder (") + std::strerror(errno) + ")");
  const bool shared = others_write(info) && (info.st_mode & S_ISVTX) == 0;
  if ((!shared && !others_own(info)) || (mount.f_flag & ST_RDONLY) != 0) return base::Done{};
  return refused(file, "is in a folder that others can write; `chown` and `chmod go-w` " + folder);
}

base::Status is_safe(const std::string& file, const base::Fd& fd) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return refused(file, "is no regular file; name one with --config");
  if (others_own(info))
    return refused(file, "belongs to another user, who could change it; `chown` it");
  if (others_write(info))
    return refused(file, "can be written by others; `chmod go-w` it after a look at what is in it");
  return folder_is_safe(file);
}

base::Result<std::string> text_of(const std::string& file, const base::Fd& fd) {
  std::string text;
  std::array<char, 65'536> buffer{};
  // One byte more than is taken, so that it shows.
  while (text.size() <= policy::kMaxFile) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refused(file, std::string("cannot be read (") + std::strerror(errno) + ")");
    if (n == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

}  // namespace

base::Result<Config> read_config(const std::string& file) {
  // Opening a FIFO would wait for its writer.
  const base::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    return refused(file, std::string("cannot be opened (") + std::strerror(errno) +
                             "); name a file that can be read with --config");
  }
  if (auto safe = is_safe(file, fd); !safe) return safe.error();
  const auto text = text_of(file, fd);
  if (!text) return text.error();
  auto policy = policy::parse(*text, file);
  if (!policy) return policy.error();
  return Config{std::move(*policy), file};
}

base::Result<Config> find_config(const std::string& named, const std::string& standard) {
  if (!named.empty()) return read_config(named);
  if (::access(standard.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
    return Config{};
  return read_config(standard);
}

base::Result<Config> reload_config(const std::string& named, bool had,
                                   const std::string& standard) {
  auto next = had && named.empty() ? read_config(standard) : find_config(named, standard);
  if (next) {
    say_config(*next);
  } else {
    say(Level::kError, next.error().message + " (what was configured before still holds)");
  }
  return next;
}

void say_config(const Config& config) {
  if (config.file.empty()) return;
  say(Level::kInfo, "configuration " + config.file + ": " + policy::summary(config.policy));
  for (const auto& note : policy::notes(config.policy, base::clock_ns(CLOCK_REALTIME)))
    say(Level::kWarning, "configuration " + config.file + ": " + note);
}

}  // namespace kilnwatch::app
