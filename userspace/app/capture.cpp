// `capture`: watch for a time or while COMMAND runs, then report every build seen.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "app/commands.h"
#include "app/output.h"
#include "app/result_stream.h"
#include "app/watch.h"
#include "base/fd.h"

namespace kilnwatch::app {
namespace {

constexpr int kCannotExecute = 127;  // as a shell has it

pid_t start(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGPIPE, SIG_DFL);
    ::execvp(arguments[0], arguments.data());
    say("cannot start " + command.front() + ": " + std::strerror(errno));
    ::_exit(kCannotExecute);
  }
  return child;
}

base::Status write_report(const std::string& path, const std::string& text) {
  const base::Fd file(path.empty()
                          ? ::dup(STDERR_FILENO)
                          : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  std::size_t done = 0;
  while (file && done < text.size()) {
    const auto n = ::write(file.get(), text.data() + done, text.size() - done);
    if (n < 0 && errno != EINTR) break;
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  if (file && done == text.size()) return base::Done{};
  return base::Error{base::ErrorClass::kEnvironment,
                     "the report cannot be written to " +
                         (path.empty() ? std::string("stderr") : path) + " (" +
                         std::strerror(errno) + "); name a writable file with --report"};
}

}  // namespace

int capture(const Options& options) {
  if (options.command.empty() && options.seconds <= 0) {
    return fail({base::ErrorClass::kUsage, "capture needs --for DURATION or -- COMMAND"});
  }
  catch_signals();
  auto encoder = sink::make_encoder(options.format.empty() ? "text" : options.format);
  if (!encoder) return fail(encoder.error());

  detect::MemorySeenStore seen;  // a one-shot report shows every destination
  std::string report;
  std::uint64_t alerts = 0;
  pid_t child = -1;
  int child_status = 0;
  auto deadline = std::chrono::steady_clock::time_point::max();
  Watch parts;
  parts.seen = &seen;
  parts.emit = [&](const v1::Alert& alert) {
    report += (*encoder)->encode(alert);
    ++alerts;
  };
  parts.armed = [&] {
    say("armed");
    if (options.seconds > 0) {
      deadline = std::chrono::steady_clock::now() +
                 std::chrono::milliseconds(static_cast<std::int64_t>(options.seconds * 1000));
    }
    if (!options.command.empty()) child = start(options.command);
  };
  parts.keep_watching = [&] {
    if (child > 0 && ::waitpid(child, &child_status, WNOHANG) == child) return false;
    return std::chrono::steady_clock::now() < deadline;
  };
  const int code = watch(options, parts);
  if (alerts == 0 && code == 0 && options.format.empty())
    report = "kilnwatch: no image build was seen\n";
  if (auto written = write_report(options.report, report); !written) return fail(written.error());
  if (code != 0 || child <= 0) return code;
  if (WIFSIGNALED(child_status)) return 128 + WTERMSIG(child_status);
  return WEXITSTATUS(child_status);
}

}  // namespace kilnwatch::app
