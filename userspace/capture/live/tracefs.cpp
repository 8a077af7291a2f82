#include "capture/live/tracefs.h"

#include <algorithm>
#include <charconv>

namespace kilnwatch::capture {
namespace {

std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return line;
}

}  // namespace

std::uint64_t missed_in(std::string_view profile, std::string_view prefix,
                        std::string_view ending) {
  std::uint64_t missed = 0;
  while (!profile.empty()) {
    auto line = next_line(profile);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (!line.starts_with(prefix) || !line.substr(0, line.find(' ')).ends_with(ending)) continue;
    const auto last = line.rfind(' ');
    std::uint64_t count = 0;
    std::from_chars(line.data() + last + 1, line.data() + line.size(), count);
    missed += count;
  }
  return missed;
}

std::vector<std::string> events_in(std::string_view list, std::string_view group) {
  std::vector<std::string> events;
  while (!list.empty()) {
    const auto line = next_line(list);
    const auto begin = line.find(':');
    if (begin == std::string_view::npos) continue;
    const auto event = line.substr(begin + 1, line.find(' ') - begin - 1);
    if (event.starts_with(std::string(group) + "/")) events.emplace_back(event);
  }
  return events;
}

}  // namespace kilnwatch::capture
