#include "detect/seen_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace kilnwatch::detect {

base::Result<std::unique_ptr<FileSeenStore>> FileSeenStore::open(const std::string& path) {
  base::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) {
    return base::Error{base::ErrorClass::kEnvironment,
                       path + ": " + std::strerror(errno) + "; name a writable --state-dir"};
  }
  std::unique_ptr<FileSeenStore> store(new FileSeenStore(std::move(fd)));
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.find(' ') == std::string::npos || line.size() > 256 || in.eof()) {
      ++store->damaged_;
    } else {
      store->keys_.insert(line);
    }
  }
  if (store->damaged_ != 0 && ::write(store->fd_.get(), "\n", 1) != 1) ++store->errors_;
  return store;
}

bool FileSeenStore::insert(const std::string& key) {
  if (!keys_.insert(key).second) return false;
  const std::string line = key + "\n";
  if (::write(fd_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) ++errors_;
  return true;
}

}  // namespace kilnwatch::detect
