// The command line → what is asked for.
#pragma once

#include <cstdint>
#include <string>

#include "app/options.h"
#include "base/result.h"

namespace kilnwatch::app {

enum class Command : std::uint8_t {
  kHelp,
  kRun,
  kCapture,
  kReplay,
  kDecode,
  kDoctor,
  kBaselineList,
  kBaselineAdd,
  kBaselineForget,
  kBaselineExport,
  kBaselineImport,
  kBaselineStats
};

struct CommandLine {
  Command command = Command::kHelp;
  Options options;
  std::string help;  // kHelp: what to show (--help, --version)
};

// kUsage: the message names what is wrong and what is allowed.
base::Result<CommandLine> parse_command_line(int argc, const char* const* argv);

}  // namespace kilnwatch::app
