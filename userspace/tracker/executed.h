// What an execution ran: a program, or the script that was given to one.
#pragma once

#include <algorithm>
#include <array>
#include <span>
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

// What a process is that executed itself and was gone before it was looked at. Nearly always it is
// one of many programs in one file, whose shell becomes the others so (busybox: ash.c, tryexec).
inline constexpr std::string_view kItself = "/proc/self/exe";

// One file that is many programs: by which name it was called, or its first argument, says which.
struct Called {
  std::string_view program;
  std::span<const std::string> args;  // from its own name on
};

inline Called called(const domain::Process& process) {
  constexpr std::array<std::string_view, 2> kMany = {"busybox", "toybox"};
  const auto is_many = [&](std::string_view name) {
    return std::find(kMany.begin(), kMany.end(), file_name(name)) != kMany.end();
  };
  Called out{process.exe, process.args};
  if (!is_many(process.exe) && process.exe != kItself) return out;
  while (!out.args.empty() && is_many(out.args.front())) out.args = out.args.subspan(1);
  if (!out.args.empty()) out.program = out.args.front();
  return out;
}

// Programs that run what their first argument names.
inline bool is_interpreter(std::string_view program) {
  const std::string_view name = file_name(program);
  if (is_shell(name) || name == "node") return true;
  constexpr std::array<std::string_view, 9> kBeginnings = {
      "python", "perl", "ruby", "php", "lua", "pypy", "ld-linux", "ld-musl", "ld.so"};
  return std::any_of(kBeginnings.begin(), kBeginnings.end(),
                     [name](std::string_view begin) { return name.starts_with(begin); });
}

// The path, as given to exec or to the interpreter; "-": what an interpreter reads, with neither a
// script nor code among its arguments; empty: not known, or code among the arguments.
inline std::string executed_file(const domain::Process& process) {
  const Called run = called(process);
  if (process.exe.empty() || !is_interpreter(run.program)) return process.exe;
  for (std::size_t n = 1; n < run.args.size(); ++n) {
    const std::string& arg = run.args[n];
    if (arg == "-" || arg == "-s") return "-";
    if (arg.starts_with("--")) continue;
    if (!arg.starts_with('-') && !arg.starts_with('+')) return arg;
    // -c, -e, -r, -m: code or a module, also behind other letters (sh -ec).
    const char* const code = is_shell(run.program) ? "c" : "cerm";
    if (arg.find_first_of(code, 1) != arg.npos) return {};
    if (arg == "-o" || arg == "-O" || arg == "-W") ++n;
  }
  return run.args.empty() || process.args_cut ? std::string() : "-";
}

}  // namespace kilnwatch::tracker
