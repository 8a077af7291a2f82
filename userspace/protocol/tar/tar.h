// The members at the front of an uncompressed tar archive (v7, POSIX ustar and pax, GNU), as Go's
// archive/tar reads them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kilnwatch::protocol {

inline constexpr std::size_t kTarBlock = 512;
inline constexpr std::size_t kTarEnd = 2 * kTarBlock;  // zeros that end an archive

struct TarMember {
  std::size_t header = 0;   // offset of its first header block, extensions included
  std::size_t content = 0;  // offset of its content
  std::size_t size = 0;
};

// The last member of that name in `front`, the first bytes of an archive (extraction overwrites
// earlier ones), when its content is whole. Names are compared as the paths they stand for ("./a"
// and "a/../b/./c" too).
std::optional<TarMember> find_tar_member(std::string_view front, std::string_view name);

// Where the zeros begin that end the archive, when all of them are in `front`: engines read no
// further (archive/tar Reader.readHeader).
std::optional<std::size_t> tar_end(std::string_view front);

// A relative path without "." and ".." and empty segments ("" for the root).
std::string clean_path(std::string_view path);

}  // namespace kilnwatch::protocol
