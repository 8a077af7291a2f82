// Destinations that builds of this host reached before.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/result.h"

namespace kilnwatch::detect {

inline constexpr std::size_t kMaxKey = 320;       // bytes of a key: address, port, name
inline constexpr std::size_t kMaxSeen = 262'144;  // keys: some 32 MiB at most

class SeenStore {
 public:
  virtual ~SeenStore() = default;
  // True when the key was not there yet. Keys hold no newline.
  virtual bool insert(const std::string& key) = 0;
  virtual bool contains(const std::string& key) const = 0;
};

class MemorySeenStore : public SeenStore {
 public:
  bool insert(const std::string& key) override { return keys_.insert(key).second; }
  bool contains(const std::string& key) const override { return keys_.contains(key); }

 private:
  std::set<std::string> keys_;
};

// Append-only text file, one key a line, mode 0600.
class FileSeenStore : public SeenStore {
 public:
  // `path` is "<state dir>/seen-destinations".
  static base::Result<std::unique_ptr<FileSeenStore>> open(const std::string& path);
  bool insert(const std::string& key) override;
  bool contains(const std::string& key) const override { return keys_.contains(key); }
  std::size_t damaged() const { return damaged_; }      // lines that were not understood
  std::size_t write_errors() const { return errors_; }  // keys kept in memory only
  std::size_t refused() const { return refused_; }      // no room: told as new each time

 private:
  explicit FileSeenStore(base::Fd fd) : fd_(std::move(fd)) {}
  base::Fd fd_;
  std::set<std::string> keys_;
  std::size_t damaged_ = 0;
  std::size_t errors_ = 0;
  std::size_t refused_ = 0;
  bool torn_ = false;  // the file's last line has no end
};

}  // namespace kilnwatch::detect
