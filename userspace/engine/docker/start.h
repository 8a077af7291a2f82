// Where a conversation can be read again after its framing was lost.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>

#include "base/text.h"
#include "protocol/http1/head.h"
#include "protocol/http2/frame.h"

namespace kilnwatch::engine::docker {

// True while `bytes` go together with the start of a request line. The first byte of a request that
// follows another one comes alone (net/http connReader.backgroundRead).
inline bool may_be_request(std::string_view bytes) {
  static constexpr std::array<std::string_view, 7> kMethods = {
      "GET ", "POST ", "PUT ", "DELETE ", "HEAD ", "OPTIONS ", "PATCH "};
  return std::any_of(kMethods.begin(), kMethods.end(), [&](std::string_view method) {
    return bytes.starts_with(method) || method.starts_with(bytes);
  });
}

// A byte that begins no request of any version, and no TLS (a handshake is 22, RFC 8446
// section 5.1): dockerd speaks DNS over TCP to its containers, which begins with a length (RFC 1035
// section 4.2.2).
inline bool begins_no_request(char first) {
  constexpr unsigned char kHandshake = 22, kDelete = 0x7f;
  const auto byte = static_cast<unsigned char>(first);
  if (byte == '\r' || byte == '\n' || byte == kHandshake) return false;
  return byte < ' ' || byte >= kDelete;
}

// True where an HTTP/2 frame may begin (RFC 9113 section 4.1), of which the kernel hands over the
// whole header: no letter, as a request or an answer has, a known type, a stream.
inline bool may_be_frame(std::string_view bytes) {
  constexpr std::size_t kHeader = protocol::http2::kFrameHeader;
  constexpr unsigned kMostLength = 0x10, kMostType = 9;  // 1 MiB, what dockerd's server takes
  const auto at = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  return bytes.size() >= kHeader && at(0) <= kMostLength && at(3) <= kMostType && at(5) < 0x80;
}

// dockerd flushes each message of a stream in one write: chunk size, JSON, line end.
inline bool may_be_message_chunk(std::string_view bytes) {
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), size, 16);
  const auto rest = bytes.substr(static_cast<std::size_t>(end - bytes.data()));
  return error == std::errc{} && rest.starts_with("\r\n{");
}

// The 200 of attach and exec start (moby: daemon/server/router/container, exec.go): no HTTP
// follows.
inline bool is_raw_stream(const protocol::Head& head) {
  const auto type = base::lower(head.field("content-type"));
  return (type.starts_with("application/vnd.docker.raw-stream") ||
          type.starts_with("application/vnd.docker.multiplexed-stream")) &&
         head.field("content-length").empty() && head.field("transfer-encoding").empty();
}

}  // namespace kilnwatch::engine::docker
