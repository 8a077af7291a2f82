// The result stream: standard output, and nothing else writes there.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace kilnwatch::app {

// Whole `bytes` or an error; a reader that went away is kOther.
base::Status write_stdout(std::string_view bytes);

// One line to stderr, prefixed with the program's name.
void say(std::string_view message);

}  // namespace kilnwatch::app
