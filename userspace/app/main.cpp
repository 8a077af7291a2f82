#include <google/protobuf/stubs/logging.h>

#include <exception>
#include <string>

#include "app/command_line.h"
#include "app/commands.h"
#include "app/log.h"
#include "app/standard_streams.h"

namespace {

int dispatch(int argc, char** argv) {
  using namespace kilnwatch;
  const auto parsed = app::parse_command_line(argc, argv);
  if (!parsed) return app::fail(parsed.error());
  const app::Options& options = parsed->options;
  app::set_log_format(options.log_format == "json" ? app::LogFormat::kJson : app::LogFormat::kText);
  switch (parsed->command) {
    case app::Command::kRun:
      return app::run(options);
    case app::Command::kCapture:
      return app::capture(options);
    case app::Command::kReplay:
      return app::replay(options);
    case app::Command::kDecode:
      return app::decode(options);
    case app::Command::kDoctor:
      return app::doctor(options);
    case app::Command::kBaselineList:
      return app::baseline_list(options);
    case app::Command::kBaselineAdd:
      return app::baseline_add(options);
    case app::Command::kBaselineForget:
      return app::baseline_forget(options);
    case app::Command::kBaselineExport:
      return app::baseline_export(options);
    case app::Command::kBaselineImport:
      return app::baseline_import(options);
    case app::Command::kBaselineStats:
      return app::baseline_stats(options);
    case app::Command::kHelp:
      break;
  }
  if (auto usable = app::stdout_usable(); !usable) return app::fail(usable.error());
  if (auto written = app::write_stdout(parsed->help); !written) return app::fail(written.error());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  kilnwatch::app::hold_standard_streams();
  google::protobuf::SetLogHandler(nullptr);  // stderr has our lines only
  try {
    return dispatch(argc, argv);
  } catch (const std::exception& error) {
    return kilnwatch::app::fail({kilnwatch::base::ErrorClass::kOther,
                                 std::string("stopped by a fault of its own: ") + error.what()});
  }
}
