// A compressed gRPC message, unpacked whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kilnwatch::protocol::grpc {

enum class Unpacked : std::uint8_t { kWhole, kTooLarge, kDamaged };

// gzip (RFC 1952), one member or several, into `out`, of which no more than `limit` bytes are
// written. Bytes after the last member are damage.
Unpacked gunzip(std::string_view packed, std::size_t limit, std::string& out);

}  // namespace kilnwatch::protocol::grpc
