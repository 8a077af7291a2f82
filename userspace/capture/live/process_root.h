// Files as a process finds them: in its own root, whatever mount namespace it is in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "domain/types.h"

namespace kilnwatch::capture {

inline constexpr std::size_t kMaxFile = std::size_t{1} << 20;  // a Dockerfile, a list (design §6)

// Held beyond the end of the process.
class ProcessRoot {
 public:
  // Nothing when the process is gone, or the pid another's by now.
  static std::optional<ProcessRoot> open(std::uint32_t pid, domain::TimeNs start);

  // The whole of a regular file. The process may be hostile: no link leads out of its root, none of
  // /proc is followed, nothing that is no file is opened, and no file system that a program of the
  // process could answer for (FUSE). An error of kInput: there is no such file; of kOther: one that
  // can not be read.
  base::Result<std::string> read(const std::string& path) const;

  const std::string& cwd() const { return cwd_; }  // in that root
  // Of the environment that it was executed with; empty: not there.
  const std::string& home() const { return home_; }
  const std::string& data_home() const { return data_home_; }

 private:
  explicit ProcessRoot(base::Fd root) : root_(std::move(root)) {}
  base::Fd root_;
  std::string cwd_;
  std::string home_;
  std::string data_home_;
};

}  // namespace kilnwatch::capture
