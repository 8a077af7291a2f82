// Descriptors 0, 1 and 2.
#pragma once

#include <string_view>

#include "base/result.h"

namespace kilnwatch::app {

// First thing in main: a descriptor among 0, 1 and 2 that is closed becomes /dev/null, so that no
// file, socket or map of ours takes its number and is written to in its place. Close-on-exec: a
// command that we start finds it closed, as we did. A reader that is gone is an error, no signal.
void hold_standard_streams();

// kOther when standard output was closed at the start, or is open for reading only.
base::Status stdout_usable();

// 0, or errno of the write that failed.
int write_all(int fd, std::string_view bytes);

// Whole `bytes`, or kOther; blocks as long as the reader does.
base::Status write_stdout(std::string_view bytes);

// What is wrong with standard output, by errno, and what to do about it.
base::Error stdout_error(int error);

}  // namespace kilnwatch::app
