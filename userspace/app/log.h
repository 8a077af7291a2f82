// The log: lines on stderr, as text or JSON. Any thread may write; a line goes out in one piece.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kilnwatch::app {

enum class Level : std::uint8_t { kInfo, kWarning, kError };
enum class LogFormat : std::uint8_t { kText, kJson };

// Before the first line and before other threads.
void set_log_format(LogFormat format);

// "kilnwatch: [warning: |error: ]MESSAGE", or {"time":…,"level":…,"message":…}. What came from
// outside is shown, never obeyed (base::visible). A stderr that is gone is not reported: to whom?
void say(Level level, std::string_view message);

// The line that `say` writes; `wall_ns` is CLOCK_REALTIME.
std::string log_line(LogFormat format, Level level, std::string_view message,
                     std::uint64_t wall_ns);

// Says the error and returns its exit code.
int fail(const base::Error& error);

}  // namespace kilnwatch::app
