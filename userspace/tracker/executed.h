// What an execution ran: a program, or the script that was given to one.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "domain/types.h"

namespace kilnwatch::tracker {

inline std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1: all of it
}

inline bool is_shell(std::string_view program) {
  constexpr std::array<std::string_view, 10> kShells = {"sh",  "bash", "dash", "ash",  "zsh",
                                                        "ksh", "mksh", "csh",  "tcsh", "fish"};
  return std::find(kShells.begin(), kShells.end(), file_name(program)) != kShells.end();
}

// Programs that run what their first argument names.
inline bool is_interpreter(std::string_view program) {
  const std::string_view name = file_name(program);
  if (is_shell(name) || name == "node") return true;
  constexpr std::array<std::string_view, 7> kBeginnings = {"python", "perl", "ruby",    "php",
                                                           "lua",    "pypy", "ld-linux"};
  return std::any_of(kBeginnings.begin(), kBeginnings.end(),
                     [name](std::string_view begin) { return name.starts_with(begin); });
}

// The path, as given to exec or to the interpreter; "-": what an interpreter reads, with neither a
// script nor code among its arguments; empty: not known, or code among the arguments.
inline std::string executed_file(const domain::Process& process) {
  if (process.exe.empty() || !is_interpreter(process.exe)) return process.exe;
  for (std::size_t n = 1; n < process.args.size(); ++n) {
    const std::string& arg = process.args[n];
    if (arg == "-" || arg == "-s") return "-";
    if (arg.starts_with("--")) continue;
    if (!arg.starts_with('-') && !arg.starts_with('+')) return arg;
    // -c, -e, -r, -m: code or a module, also behind other letters (sh -ec).
    const char* const code = is_shell(process.exe) ? "c" : "cerm";
    if (arg.find_first_of(code, 1) != arg.npos) return {};
    if (arg == "-o" || arg == "-O" || arg == "-W") ++n;
  }
  return process.args.empty() || process.args_cut ? std::string() : "-";
}

}  // namespace kilnwatch::tracker
