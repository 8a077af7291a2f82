#include "detect/shapes.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"
#include "detect/words.h"
#include "tracker/executed.h"

namespace kilnwatch::detect {

using namespace domain;
using tracker::file_name;

namespace {

// nc -e /bin/sh, ncat --exec, -c; also behind other letters (-nve).
bool gives_shell(const std::vector<std::string>& args) {
  return std::any_of(args.begin(), args.end(), [](const std::string& arg) {
    if (arg == "--exec" || arg == "--sh-exec" || arg.starts_with("--exec=")) return true;
    return arg.size() > 1 && arg[0] == '-' && arg[1] != '-' &&
           arg.find_first_of("ec", 1) != arg.npos;
  });
}

bool socat_shell(const std::vector<std::string>& args) {
  return std::any_of(args.begin(), args.end(), [](const std::string& arg) {
    const std::string low = base::lower(arg);
    return low.starts_with("exec:") || low.starts_with("system:") || low.starts_with("shell:");
  });
}

// python -c 'import socket,subprocess,os…', perl -e 'use Socket…', php -r '$s=fsockopen…'.
bool code_with_shell(std::string_view program, const std::string& text) {
  constexpr std::array<std::string_view, 5> kSockets = {"socket", "Socket", "fsockopen",
                                                        "net.connect", "net.Socket"};
  constexpr std::array<std::string_view, 6> kShells = {"/bin/sh",    "/bin/bash", "pty.spawn",
                                                       "subprocess", "dup2",      "child_process"};
  return tracker::is_interpreter(program) && !tracker::is_shell(program) &&
         contains_any(text, kSockets) && contains_any(text, kShells);
}

constexpr std::array<std::string_view, 6> kFetchers = {"curl", "wget",   "fetch",
                                                       "lynx", "aria2c", "http"};

}  // namespace

bool is_mining_port(std::uint16_t port) {
  constexpr std::array<std::uint16_t, 13> kPorts = {3032,  3333,  4444,  5555,  7777,  9999, 10032,
                                                    13333, 14433, 14444, 19999, 45560, 45700};
  return std::find(kPorts.begin(), kPorts.end(), port) != kPorts.end();
}

bool is_metadata(const std::string& host, std::uint16_t port) {
  constexpr std::array<std::string_view, 7> kHosts = {
      "169.254.169.254", "169.254.170.2",   "169.254.170.23",          "fd00:ec2::254",
      "fd00:ec2::23",    "100.100.100.200", "metadata.google.internal"};
  return port != 53 && one_of(host, kHosts);
}

std::string reverse_shell(const Connection& connection, const Step& step) {
  constexpr std::uint32_t kTcp = 6;
  constexpr std::array<std::string_view, 4> kNetcats = {"nc", "ncat", "netcat", "nc.traditional"};
  const Process& process = connection.process;
  const std::string_view program = file_name(tracker::called(process).program);
  // dash and its like cannot connect: a shell that does has /dev/tcp, or is not what its name says.
  if (connection.protocol == kTcp && tracker::is_shell(program))
    return process.exe + " itself holds the connection";
  if (one_of(program, kNetcats) && gives_shell(process.args))
    return "`" + joined(process.args) + "` gives the connection to a program";
  if (program == "socat" && socat_shell(process.args))
    return "`" + joined(process.args) + "` gives the connection to a program";
  if (code_with_shell(process.exe, joined(process.args)))
    return "code in the arguments of " + process.exe + " opens a socket and a shell";
  constexpr std::array<std::string_view, 2> kDevices = {"/dev/tcp/", "/dev/udp/"};
  if (contains_any(step.instruction, kDevices)) return "the step's command names /dev/tcp";
  constexpr std::array<std::string_view, 3> kPipes = {"mkfifo", "mknod", "/tmp/f"};
  constexpr std::array<std::string_view, 4> kTalkers = {"nc", "ncat", "telnet", "openssl"};
  constexpr std::array<std::string_view, 4> kShells = {"sh -i", "/bin/sh", "/bin/bash", "|sh"};
  if (one_of(program, kTalkers) && contains_any(step.instruction, kPipes) &&
      contains_any(step.instruction, kShells))
    return "the step's command ties " + process.exe + " and a shell together by a pipe";
  return {};
}

std::string pipe_to_shell(const std::string& instruction) {
  std::string_view rest = instruction;
  bool fetches = false;
  std::size_t begin = 0;
  while (!rest.empty()) {
    const std::size_t stop = std::min(rest.find_first_of("|;&\n"), rest.size());
    std::string_view part = rest.substr(0, stop);
    for (std::string_view words = part; !words.empty();) {
      const std::string_view word = next_word(words);
      if (one_of(file_name(word), kFetchers)) {
        if (!fetches) begin = static_cast<std::size_t>(word.data() - instruction.data());
        fetches = true;
      }
      if (word.empty() && !words.empty()) words.remove_prefix(1);
    }
    const bool pipe = stop < rest.size() && rest[stop] == '|' &&
                      (stop + 1 >= rest.size() || rest[stop + 1] != '|');
    rest.remove_prefix(std::min(stop + 1, rest.size()));
    if (!pipe) {
      fetches = false;
      continue;
    }
    if (!fetches) continue;
    std::string_view after = rest;
    std::string_view word = next_word(after);
    while (word == "sudo" || word == "env" || word == "exec" || word == "busybox")
      word = next_word(after);
    if (tracker::is_shell(word))
      return instruction.substr(begin, instruction.size() - after.size() - begin);
  }
  return {};
}

}  // namespace kilnwatch::detect
