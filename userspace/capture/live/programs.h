// Programs known by name (comm), as the kernel side knows them (bpf/lib/filter/programs.bpf.h).
#pragma once

#include <cstdint>
#include <string_view>

namespace kilnwatch::capture {

// enum kw_engine of a program that serves an engine's API; KW_ENGINE_NONE of any other. Of podman
// only the process that listens is an engine: its commands go by the same name.
std::uint32_t engine_of(std::string_view comm);

// podman's second life as another user: it executes /proc/self/exe (podman: pkg/rootless).
bool is_rootless_podman(std::string_view comm, std::string_view exe);

// The address of podman's API as its packages have it.
bool is_podman_socket(std::string_view path);

// An engine, or a runtime that containers come from: what runs below it is followed.
bool is_lineage_root(std::string_view comm);

// Builds without a daemon: what it forks runs its steps.
bool is_builder(std::string_view comm, std::string_view exe);
// A builder that executed itself (/proc/self/exe).
bool is_itself(std::string_view comm);

}  // namespace kilnwatch::capture
