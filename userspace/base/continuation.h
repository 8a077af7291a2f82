// Lines that an escape character at their end joins, as Dockerfiles and shells do.
#pragma once

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace kilnwatch::base {

// The character that escapes in a Dockerfile: a directive in its first lines may say "escape=`"
// (docs.docker.com/reference/dockerfile: parser directives). Everywhere else it is a backslash.
inline char escape_character(std::string_view text) {
  while (text.starts_with('#')) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = lower(text.substr(0, std::min<std::size_t>(end, 64)));
    std::erase_if(line, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '#'; });
    if (line == "escape=`") return '`';
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return '\\';
}

// A line that says nothing: a comment, or blanks. Among joined lines it is as if it were not there.
inline bool says_nothing(std::string_view line) {
  const auto at = line.find_first_not_of(" \t\r\n");
  return at == line.npos || line[at] == '#';
}

}  // namespace kilnwatch::base
