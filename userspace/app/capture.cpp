// `capture`: watch for a time or while COMMAND runs, then report every build seen.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "app/child.h"
#include "app/commands.h"
#include "app/config_file.h"
#include "app/log.h"
#include "app/standard_streams.h"
#include "app/watch.h"
#include "base/clock.h"
#include "base/fd.h"
#include "sink/encoder.h"

namespace kilnwatch::app {
namespace {

// After COMMAND: the engine may be behind its client with the end of an answer or the last
// connection, and the records of both are behind the engine.
constexpr domain::TimeNs kSettle = 500'000'000;
constexpr domain::TimeNs kSecond = 1'000'000'000;

// A report shows every connection of every build, not only what is new.
class NothingSeen final : public baseline::Store {
 public:
  bool meet(const baseline::Sighting&) override { return true; }
  bool knows(baseline::Scope, const std::string&, baseline::Seconds) override { return false; }
  std::optional<baseline::Seconds> created() const override { return std::nullopt; }
};

// The file is made before anything is watched: a report with nowhere to go is an error at once.
base::Result<base::Fd> open_report(const std::string& path) {
  base::Fd file(path.empty()
                    ? ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
                    : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file) return file;
  return base::Error{base::ErrorClass::kEnvironment,
                     "the report cannot be written to " + (path.empty() ? "stderr" : path) + " (" +
                         std::strerror(errno) + "); name a writable file with --report"};
}

base::Status write_report(const base::Fd& file, const std::string& text) {
  const int error = write_all(file.get(), text);
  if (error == 0) return base::Done{};
  return base::Error{
      base::ErrorClass::kOther,
      std::string("the report could not be written whole (") + std::strerror(error) + ")"};
}

// Keeps the watch going while COMMAND runs and a little longer, or for the time.
class Span {
 public:
  Span(const Options& options, Child& child) : options_(options), child_(child) {}

  // Everything is attached: the time runs, COMMAND starts.
  base::Status begin(Watch& parts) {
    if (options_.seconds > 0) {
      parts.wake_at =
          base::clock_ns(CLOCK_BOOTTIME) + static_cast<domain::TimeNs>(options_.seconds * kSecond);
    }
    return options_.command.empty() ? base::Done{} : child_.start(options_.command);
  }
  bool goes_on(Watch& parts) {
    const auto now = base::clock_ns(CLOCK_BOOTTIME);
    if (!settling_ && child_.ended()) {
      settling_ = true;
      parts.wake_at = std::min(parts.wake_at, now + kSettle);
    }
    return now < parts.wake_at;
  }
  bool on_signal(const Signal& signal) const {
    if (signal.number == SIGCHLD) return true;
    if (!child_.started()) return false;
    if (!signal.from_terminal) child_.forward(signal.number);
    return true;  // it ends when COMMAND does
  }

 private:
  const Options& options_;
  Child& child_;
  bool settling_ = false;
};

}  // namespace

int capture(const Options& options) {
  if (options.command.empty() && options.seconds <= 0) {
    return fail({base::ErrorClass::kUsage, "capture needs --for DURATION or -- COMMAND"});
  }
  auto config = find_config(options.config);
  if (!config) return fail(config.error());
  hold_signals();
  auto encoder = sink::make_encoder(options.format.empty() ? "text" : options.format);
  if (!encoder) return fail(encoder.error());
  auto file = open_report(options.report);
  if (!file) return fail(file.error());

  NothingSeen seen;
  Child child;
  Span span(options, child);
  base::Status begun = base::Done{};
  std::string report;
  say_config(*config);
  Watch parts;
  parts.policy = std::move(config->policy);
  parts.seen = &seen;
  parts.emit = [&](const v1::Alert& alert) { report += (*encoder)->encode(alert); };
  parts.armed = [&] { begun = span.begin(parts); };
  parts.keep_watching = [&] { return begun && span.goes_on(parts); };
  parts.on_signal = [&](const Signal& signal) { return span.on_signal(signal); };
  int code = watch(options, parts);
  if (code == 0 && !begun) code = fail(begun.error());
  if (code == 0 && report.empty() && options.format.empty()) report = "no image build was seen\n";
  if (auto written = write_report(*file, report); !written && code == 0)
    code = fail(written.error());
  child.wait();
  return code == 0 && child.started() ? child.code() : code;
}

}  // namespace kilnwatch::app
