// Programs that build without a daemon, as far as more than one room has to know them.
#pragma once

#include <algorithm>
#include <string_view>

#include "domain/types.h"

namespace kilnwatch::domain {

inline constexpr std::string_view kKaniko = "/kaniko/executor";

// By its file alone: "executor" is a common name. A script of that name has it among its arguments.
inline bool is_kaniko(const Process& process) {
  return process.comm == "executor" &&
         (process.exe == kKaniko ||
          std::find(process.args.begin(), process.args.end(), kKaniko) != process.args.end());
}

}  // namespace kilnwatch::domain
