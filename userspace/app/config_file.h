// The configuration file: found, looked at, read.
#pragma once

#include <string>

#include "base/result.h"
#include "policy/policy.h"

namespace kilnwatch::app {

inline constexpr const char* kDefaultConfig = "/etc/kilnwatch/config.yaml";

struct Config {
  policy::Policy policy;
  std::string file;  // empty: there is none
};

// kUsage: cannot be read, is not a regular file, others could write it, or its text is wrong.
base::Result<Config> read_config(const std::string& file);
// `named` if it is not empty; else `standard`, where a missing file is no error.
base::Result<Config> find_config(const std::string& named,
                                 const std::string& standard = kDefaultConfig);

// Again. `had`: there was a file; that it is gone is an error then, it may be about to be written.
// An error is said, too; what was configured before holds.
base::Result<Config> reload_config(const std::string& named, bool had,
                                   const std::string& standard = kDefaultConfig);

// What a user should know of it, on stderr; nothing of one that there is not.
void say_config(const Config& config);

}  // namespace kilnwatch::app
