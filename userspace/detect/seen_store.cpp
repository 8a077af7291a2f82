#include "detect/seen_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <string_view>

namespace kilnwatch::detect {
namespace {

// Ends a line that was written in part. No key ends in a blank, so that what stands of it is none.
constexpr std::string_view kTornEnd = " \n";

}  // namespace

base::Result<std::unique_ptr<FileSeenStore>> FileSeenStore::open(const std::string& path) {
  base::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) {
    return base::Error{base::ErrorClass::kEnvironment,
                       path + ": " + std::strerror(errno) + "; name a writable --state-dir"};
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return base::Error{base::ErrorClass::kEnvironment,
                       path + ": not a regular file; name another --state-dir"};
  }
  std::unique_ptr<FileSeenStore> store(new FileSeenStore(std::move(fd)));
  std::ifstream in(path);
  std::array<char, kMaxKey + 2> line;  // a newline and an end
  while (in.getline(line.data(), line.size()) || in.gcount() > 0) {
    if (in.fail()) {  // too long
      in.clear();
      in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
      store->torn_ = in.eof();
      ++store->damaged_;
      continue;
    }
    const std::string key(line.data());
    if (key.find(' ') == std::string::npos || key.ends_with(' ') || in.eof()) {
      ++store->damaged_;
      store->torn_ = in.eof();
    } else if (store->keys_.size() < kMaxSeen) {
      store->keys_.insert(key);
    } else {
      ++store->refused_;
    }
  }
  return store;
}

bool FileSeenStore::insert(const std::string& key) {
  if (keys_.contains(key)) return false;
  if (keys_.size() >= kMaxSeen) {
    ++refused_;
    return true;
  }
  keys_.insert(key);
  std::string line = key + "\n";
  if (torn_) line.insert(0, kTornEnd);
  const ssize_t n = ::write(fd_.get(), line.data(), line.size());
  if (n == static_cast<ssize_t>(line.size())) {
    torn_ = false;
  } else {
    torn_ = torn_ || n > 0;
    ++errors_;
  }
  return true;
}

}  // namespace kilnwatch::detect
