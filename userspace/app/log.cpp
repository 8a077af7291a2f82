#include "app/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

#include "app/standard_streams.h"
#include "base/clock.h"
#include "base/utf8.h"

namespace kilnwatch::app {
namespace {

std::atomic<LogFormat> log_format = LogFormat::kText;

std::string_view name_of(Level level) {
  switch (level) {
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
    case Level::kInfo:
      break;
  }
  return "info";
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : base::visible(text)) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

}  // namespace

void set_log_format(LogFormat format) { log_format = format; }

std::string log_line(LogFormat format, Level level, std::string_view message,
                     std::uint64_t wall_ns) {
  if (format == LogFormat::kText) {
    return fmt::format("kilnwatch: {}{}{}\n", level == Level::kInfo ? "" : name_of(level),
                       level == Level::kInfo ? "" : ": ", base::visible(message));
  }
  const auto seconds = static_cast<std::time_t>(wall_ns / 1'000'000'000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format(
      "{{\"time\":\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\",\"level\":\"{}\",\"message\":{}}}"
      "\n",
      utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
      wall_ns / 1'000'000 % 1000, name_of(level), quoted(message));
}

void say(Level level, std::string_view message) {
  (void)write_all(STDERR_FILENO,
                  log_line(log_format, level, message, base::clock_ns(CLOCK_REALTIME)));
}

int fail(const base::Error& error) {
  say(Level::kError, error.message);
  return static_cast<int>(error.kind);
}

}  // namespace kilnwatch::app
