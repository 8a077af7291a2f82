// The front of a compressed stream, unpacked as far as it goes, within limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kilnwatch::protocol {

// Of what a decompressor may ask for at once: `xz -9` needs 65 MiB; pages are only touched as far
// as output is written, which its own limit bounds.
inline constexpr std::size_t kUnpackMemory = std::size_t{72} << 20;

enum class Packing : std::uint8_t { kNone, kGzip, kBzip2, kXz, kZstd };

// By the first bytes, as moby does (go-archive/compression/compression_detect.go).
Packing packing_of(std::string_view front);

// At most `limit` bytes of what `front`, which may be cut anywhere, unpacks to. Damage ends the
// output; what came before it is kept.
std::string unpack_front(std::string_view front, std::size_t limit);

}  // namespace kilnwatch::protocol
