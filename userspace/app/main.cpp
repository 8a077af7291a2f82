#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <regex>
#include <string>

#include "app/commands.h"
#include "app/output.h"

namespace {

using kilnwatch::app::Options;

constexpr int kUsage = 2;

void add_format(CLI::App& command, Options& options) {
  command.add_option("--output", options.format, "text (default on a terminal), json or protobuf")
      ->check(CLI::IsMember({"text", "json", "protobuf"}));
}

void add_record(CLI::App& command, Options& options) {
  command.add_option("--record", options.record,
                     "also write a recording (mode 0600, secrets masked)");
  command.add_option("--record-limit", options.record_limit, "most bytes of the recording")
      ->transform(CLI::AsSizeValue(false));
}

// "90", "90s", "5m", "1h" as seconds; empty when it is none of these.
std::string seconds_of(std::string& text) {
  std::smatch found;
  if (!std::regex_match(text, found, std::regex("([0-9]{1,7}(?:\\.[0-9]{1,3})?)(s|m|h)?"))) {
    return "'" + text + "' is no duration; write for example 30s, 5m or 1h";
  }
  const double unit = found[2] == "h" ? 3600 : found[2] == "m" ? 60 : 1;
  text = std::to_string(std::strtod(found[1].str().c_str(), nullptr) * unit);
  return {};
}

int dispatch(int argc, char** argv) {
  Options options;
  CLI::App app{"Sees image builds on this host and what their steps connect to (ATT&CK T1612)."};
  app.name("kilnwatch");
  app.set_version_flag("--version", KILNWATCH_VERSION);
  app.require_subcommand(1);

  auto* run = app.add_subcommand("run", "watch and write alerts to stdout until SIGTERM");
  add_format(*run, options);
  add_record(*run, options);
  run->add_option("--state-dir", options.state_dir, "where seen destinations are kept")
      ->capture_default_str();

  auto* capture =
      app.add_subcommand("capture", "watch for a time or while COMMAND runs, then report");
  add_format(*capture, options);
  add_record(*capture, options);
  capture->add_option("--for", options.seconds, "how long: 30s, 5m, 1h")
      ->transform(CLI::Validator(seconds_of, "DURATION"));
  capture->add_option("--report", options.report, "file for the report (default: stderr)");
  capture->add_option("command", options.command, "COMMAND and its arguments, after --");

  auto* replay =
      app.add_subcommand("replay", "a recording through the same pipeline, unprivileged");
  add_format(*replay, options);
  replay->add_option("file", options.file, "recording")->required();

  auto* decode = app.add_subcommand("decode", "a protobuf alert stream on stdin in another format");
  add_format(*decode, options);

  auto* doctor = app.add_subcommand("doctor", "what this kernel and host allow");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : kUsage;
  }
  if (*run) return kilnwatch::app::run(options);
  if (*capture) return kilnwatch::app::capture(options);
  if (*replay) return kilnwatch::app::replay(options);
  if (*decode) return kilnwatch::app::decode(options);
  if (*doctor) return kilnwatch::app::doctor();
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return dispatch(argc, argv);
  } catch (const std::exception& error) {
    kilnwatch::app::say(std::string("stopped by a fault of its own: ") + error.what());
    return 1;
  }
}
