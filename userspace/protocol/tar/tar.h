// The members at the front of an uncompressed tar archive (v7, POSIX ustar and pax, GNU), as Go's
// archive/tar reads them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kilnwatch::protocol {

inline constexpr std::size_t kTarBlock = 512;

struct TarMember {
  std::size_t header = 0;   // offset of its first header block, extensions included
  std::size_t content = 0;  // offset of its content
  std::size_t size = 0;
};

struct TarScan {
  // The last member of that name (extraction overwrites earlier ones) whose content is whole.
  std::optional<TarMember> member;
  bool complete = false;  // the end of the archive is in `front`
};

// `front`: the first bytes of an archive. Names are compared as the paths they stand for ("./a" and
// "a/../b/./c" too).
TarScan scan_tar(std::string_view front, std::string_view name);

// True when the first block is a tar header with a right checksum.
bool is_tar(std::string_view front);

// A relative path without "." and ".." and empty segments ("" for the root).
std::string clean_path(std::string_view path);

}  // namespace kilnwatch::protocol
