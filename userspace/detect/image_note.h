// What the host that built an image tells others of it, as the text that travels: the build, and
// what the alerts of that host said of it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/finding.h"

namespace kilnwatch::detect {

// Of a note, whose whole is bound by fleet::kMaxNote.
inline constexpr std::size_t kMaxNoteLine = 256;   // bytes of a value
inline constexpr std::size_t kMaxNoteWords = 4;    // tags, base images, reasons of the rest, ...
inline constexpr std::size_t kMaxNoteArgs = 8;     // of one process
inline constexpr std::size_t kMaxNoteLinks = 4;    // connections, the gravest
inline constexpr std::size_t kMaxNoteReasons = 8;  // of the alerts of that host

struct ImageNote {
  domain::Build build;  // with its host; its times are ns since 1970
  domain::Chain chain;  // without links: nothing was told of what it reached
};

// A line for each: "NAME VALUE". What is too long is cut off, what is too much left out.
std::string text_of(const ImageNote& note);
// Of a server's, which anybody may have written. Nothing: a part that must be there is not, or is
// none. Lines that are not known are of later versions.
std::optional<ImageNote> read_note(std::string_view text);

}  // namespace kilnwatch::detect
