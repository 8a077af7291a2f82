// libbpf's own lines: kept for our messages, never printed.
#pragma once

#include <string>

namespace kilnwatch::capture {

// From now on libbpf writes nothing to stderr.
void keep_libbpf_log();
// The last line it had to say, without its newline; empty: none. One line is what a message can
// carry; the verifier's log goes on for pages.
std::string last_libbpf_line();

}  // namespace kilnwatch::capture
