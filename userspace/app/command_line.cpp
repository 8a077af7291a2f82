#include "app/command_line.h"
#include "app/config_file.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <map>
#include <regex>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace kilnwatch::app {
namespace {

const std::string kStandardConfig = std::string(" (default: ") + kDefaultConfig + ", if it exists)";

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

void add_config(CLI::App& command, Options& options, const std::string& standard) {
  command.add_option("--config", options.config, "what to allow, deny and except" + standard);
}

void add_state_dir(CLI::App& command, Options& options) {
  command.add_option("--state-dir", options.state_dir, "where seen destinations are kept")
      ->capture_default_str();
}

using Commands = std::vector<std::pair<CLI::App*, Command>>;

void add_baseline(CLI::App& app, Options& options, Commands& commands) {
  auto* baseline = app.add_subcommand("baseline", "look after the destinations that were seen");
  baseline->require_subcommand(1);
  const auto add = [&](const char* name, Command command, const char* text) {
    auto* sub = baseline->add_subcommand(name, text);
    add_state_dir(*sub, options);
    commands.emplace_back(sub, command);
    return sub;
  };
  // Also what other hosts know.
  const auto add_wide_scope = [&](CLI::App& sub, const char* text) {
    sub.add_option("--scope", options.scope, text)
        ->check(CLI::IsMember({"builds", "host", "fleet"}));
    sub.add_option("--config", options.config,
                   "of --scope fleet: its server is baseline.store" + kStandardConfig);
  };
  const auto add_key = [&](CLI::App& sub) {
    sub.add_option("destination", options.key, "ADDRESS PORT [NAME]")->required()->expected(1, 3);
  };
  auto* list = add("list", Command::kBaselineList, "destinations with their times");
  add_wide_scope(*list, "builds or host (default: both), or fleet");
  list->add_option("--output", options.format, "text (default) or json, one object a line")
      ->check(CLI::IsMember({"text", "json"}));
  auto* more = add("add", Command::kBaselineAdd, "a destination is known from now on");
  add_wide_scope(*more,
                 "to whom: builds (default; of client, powers and engine host), host or fleet");
  add_key(*more);
  auto* less = add("forget", Command::kBaselineForget, "a destination is new again");
  add_wide_scope(*less, "to whom: builds or host (default: both), or fleet");
  add_key(*less);
  add_wide_scope(*add("export", Command::kBaselineExport, "all of it to stdout, JSON lines"),
                 "builds or host (default: both), or fleet");
  add("import", Command::kBaselineImport, "what export wrote, from stdin: all of it or nothing");
  auto* stats = add("stats", Command::kBaselineStats, "how much it holds");
  stats->add_option("--scope", options.scope, "fleet (default: this host's own)")
      ->check(CLI::IsMember({"fleet"}));
  stats->add_option("--config", options.config,
                    "of --scope fleet: its server is baseline.store" + kStandardConfig);
}

// A place for each command: the environment is read for those that were not named, too.
void add_hooks(CLI::App& command, std::string& hooks) {
  command
      .add_option(
          "--hooks", hooks,
          "how to attach to the kernel: auto (fentry where the kernel does well by it, else "
          "kprobe), fentry or kprobe")
      ->check(CLI::IsMember({"auto", "fentry", "kprobe"}))
      ->envname("KILNWATCH_HOOKS")
      ->capture_default_str();
}

void add_log_format(CLI::App& command, Options& options) {
  command.add_option("--log-format", options.log_format, "of the lines on stderr: text or json")
      ->check(CLI::IsMember({"text", "json"}));
}

// "90", "90s", "5m", "1h" as seconds; empty when it is none of these.
std::string seconds_of(std::string& text) {
  std::smatch found;
  if (!std::regex_match(text, found, std::regex("([0-9]{1,7}(?:\\.[0-9]{1,3})?)(s|m|h)?"))) {
    return "'" + text + "' is no duration; write for example 30s, 5m or 1h";
  }
  const double unit = found[2] == "h" ? 3600 : found[2] == "m" ? 60 : 1;
  const double seconds = std::strtod(found[1].str().c_str(), nullptr) * unit;
  if (seconds <= 0) return "'" + text + "' is no time at all; write for example 30s, 5m or 1h";
  text = std::to_string(seconds);
  return {};
}

// COMMAND of `capture -- COMMAND…`, which is taken as it is: the library would read meaning into
// brackets and empty words. Leaves the words before "--".
std::vector<std::string> take_command(std::vector<std::string>& words) {
  const auto end = std::find(words.begin(), words.end(), "--");
  if (end == words.end() || std::find(words.begin(), end, "capture") == end) return {};
  std::vector<std::string> command(end + 1, words.end());
  words.erase(end, words.end());
  return command;
}

}  // namespace

base::Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  CommandLine out;
  Options& options = out.options;
  CLI::App app{"Sees image builds on this host and what their steps connect to (ATT&CK T1612)."};
  app.name("kilnwatch");
  app.set_version_flag("--version", KILNWATCH_VERSION);
  app.require_subcommand(1);
  add_log_format(app, options);
  std::map<const CLI::App*, std::string> hooks;

  auto* run = app.add_subcommand("run", "watch and write alerts to stdout until SIGTERM");
  add_format(*run, options);
  add_hooks(*run, hooks.try_emplace(run, options.hooks).first->second);
  add_record(*run, options);
  add_config(*run, options, kStandardConfig);
  run->add_flag("--check-config", options.check_config,
                "say whether the configuration is right, and end");
  add_state_dir(*run, options);

  auto* capture =
      app.add_subcommand("capture", "watch for a time or while COMMAND runs, then report");
  add_format(*capture, options);
  add_hooks(*capture, hooks.try_emplace(capture, options.hooks).first->second);
  add_record(*capture, options);
  add_config(*capture, options, kStandardConfig);
  capture->add_option("--for", options.seconds, "how long: 30s, 5m, 1h")
      ->transform(CLI::Validator(seconds_of, "DURATION"));
  capture->add_option("--report", options.report, "file for the report (default: stderr)");
  capture->footer("  -- COMMAND…  is run and watched; keeps its stdin, stdout, stderr and code");

  auto* replay =
      app.add_subcommand("replay", "a recording through the same pipeline, unprivileged");
  add_format(*replay, options);
  add_config(*replay, options, " (none by default)");
  replay->add_option("file", options.file, "recording")->required();
  std::string baseline_dir;
  replay->add_option("--state-dir", baseline_dir,
                     "judge by the destinations that are kept there, and keep what is seen "
                     "(default: none is known before)");
  replay
      ->add_option("--fleet", options.fleet,
                   "the server that the configuration names (baseline.store): ask it what other "
                   "hosts know, or teach it, too, as run does (default: nobody is asked)")
      ->check(CLI::IsMember({"ask", "teach"}));

  auto* decode = app.add_subcommand("decode", "a protobuf alert stream on stdin in another format");
  add_format(*decode, options);

  auto* doctor = app.add_subcommand("doctor", "what this kernel and host allow");
  add_hooks(*doctor, hooks.try_emplace(doctor, options.hooks).first->second);

  Commands commands{{run, Command::kRun},
                    {capture, Command::kCapture},
                    {replay, Command::kReplay},
                    {decode, Command::kDecode},
                    {doctor, Command::kDoctor}};
  add_baseline(app, options, commands);
  for (const auto& [command, name] : commands) add_log_format(*command, options);

  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  options.command = take_command(words);
  std::reverse(words.begin(), words.end());  // as the library wants it
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    std::ostringstream shown, complaint;
    if (app.exit(error, shown, complaint) == 0) {
      out.help = shown.str();
      return out;
    }
    // The library tells what is missing before it tells what it did not understand instead.
    const auto unknown = app.remaining(true);
    const std::string what = unknown.empty()
                                 ? std::string(error.what())
                                 : "'" + unknown.front() + "' is no command or option here";
    return base::Error{base::ErrorClass::kUsage, what + "; `kilnwatch --help` shows what there is"};
  }
  for (const auto& [command, name] : commands) {
    if (!*command) continue;
    out.command = name;
    if (const auto chosen = hooks.find(command); chosen != hooks.end())
      options.hooks = chosen->second;
    if (name == Command::kReplay) options.state_dir = baseline_dir;
  }
  return out;
}

}  // namespace kilnwatch::app
