// The members at the front of an uncompressed tar archive (POSIX ustar, GNU).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kilnwatch::protocol {

inline constexpr std::size_t kTarBlock = 512;

struct TarMember {
  std::size_t header = 0;   // offset of its header block
  std::size_t content = 0;  // offset of its content
  std::size_t size = 0;
};

// The member called `name` (a leading "./" does not count) when its content is whole within
// `prefix`, the first bytes of the archive.
std::optional<TarMember> find_tar_member(std::string_view prefix, std::string_view name);

}  // namespace kilnwatch::protocol
