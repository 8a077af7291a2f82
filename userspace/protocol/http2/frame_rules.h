// What a frame header must look like (RFC 9113 section 6).
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/http2/frame.h"

namespace kilnwatch::protocol::http2 {

std::uint32_t big_endian(std::string_view bytes);     // of at most four bytes
FrameHeader read_frame_header(std::string_view raw);  // of kFrameHeader bytes

// Why a receiver must close the connection at this header; empty: it need not. Frame sizes that
// settings allow are not judged.
std::string_view violation_of(const FrameHeader& header);

enum class Chain : std::uint8_t { kMore, kFound, kNone };
// Whether `bytes` begin with kChain headers that a peer with default settings would send: of known
// types, no undefined flags, no reserved bit, CONTINUATION where it belongs. kMore: not all are
// there.
Chain find_chain(std::string_view bytes);

}  // namespace kilnwatch::protocol::http2
