// What the engine is to fetch for a build's instructions ADD: URLs, and what they become. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "domain/finding.h"

namespace kilnwatch::detect {

inline constexpr std::size_t kMaxAddedFiles = 256;  // of a build
inline constexpr std::size_t kMaxVariables = 256;   // of a Dockerfile

struct AddedFile {
  // With the values that the Dockerfile, or BuildKit, gives to its variables. A dollar, or the
  // asterisks of what is masked, stay where one's value is not known; where such a part comes
  // first, it may as well be a file of the context.
  std::string url;
  std::string target;  // in the image; ends in a slash: a folder
};

struct Added {
  std::vector<AddedFile> files;
  bool whole = true;  // false: there are more
};
Added added_files(const domain::Build& build);

// A URL, whatever its host is; else it may be a file.
bool is_url(const AddedFile& file);
// Whose host, or part of it, is not known.
bool is_open(const std::string& host);

}  // namespace kilnwatch::detect
