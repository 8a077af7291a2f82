// What the files of tracefs say about kprobes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kilnwatch::capture {

// Of the text of kprobe_profile, "  NAME HITS MISSED" a line: the sum over names that begin so,
// and end so.
std::uint64_t missed_in(std::string_view profile, std::string_view prefix,
                        std::string_view ending = {});

// Of the text of kprobe_events, "p:GROUP/NAME FUNCTION" a line: "GROUP/NAME" of each of `group`.
std::vector<std::string> events_in(std::string_view list, std::string_view group);

}  // namespace kilnwatch::capture
