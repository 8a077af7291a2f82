// Does a container run what an instruction says? The kernel's argv against the builder's text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kilnwatch::tracker {

struct Container;

enum class Agreement : std::uint8_t { kAgrees, kDiffers, kUnknown };

// The classic builder runs the shell form as the shell (/bin/sh -c unless SHELL says otherwise)
// with the whole text as last argument, the exec form as it stands (moby: dispatchers.go,
// dispatchRun). Only RUN starts its container; under the line of FROM run the base image's
// triggers, whose text is not known. Blanks do not count (joined lines), nor how long a masked
// secret is. `cut`: argv ends early, so its text need only be the beginning.
Agreement compare(const std::string& instruction, const std::vector<std::string>& argv, bool cut);

// Whether that is the answer for a container's first process.
bool agrees(const std::string& instruction, const Container& container, Agreement what);

// "RUN <text>" when argv is a shell with a text; else empty.
std::string instruction_of(const std::vector<std::string>& argv);

}  // namespace kilnwatch::tracker
