#include "capture/live/kernel_version.h"

#include <charconv>
#include <optional>
#include <utility>

namespace kilnwatch::capture {
namespace {

using Version = std::pair<int, int>;

std::optional<Version> version_of(std::string_view release) {
  Version version;
  const char* const end = release.data() + release.size();
  const auto first = std::from_chars(release.data(), end, version.first);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '.') return std::nullopt;
  if (std::from_chars(first.ptr + 1, end, version.second).ec != std::errc{}) return std::nullopt;
  return version;
}

}  // namespace

bool new_enough(std::string_view release) {
  const auto version = version_of(release);
  return version && *version >= *version_of(kOldestKernel);
}

bool lets_programs_keep_cpu(std::string_view release) {
  return version_of(release) >= Version{6, 15};
}

bool preempts_tasks(std::string_view release) { return version_of(release) >= Version{7, 0}; }

}  // namespace kilnwatch::capture
