// Files out of a client's session, as BuildKit asks for them (tonistiigi/fsutil).
#pragma once

#include <optional>
#include <string>

#include "harness/buildkit.h"
#include "harness/http2.h"

namespace kilnwatch::test {

inline std::string packet(unsigned type, std::optional<unsigned> id, const std::string& rest = {}) {
  std::string out;
  if (type != 0) out += std::string("\x08") + static_cast<char>(type);
  out += rest;
  if (id && *id != 0) out += std::string("\x18") + static_cast<char>(*id);
  return grpc_message(out);
}

inline std::string stat(const std::string& path, bool folder = false) {
  std::string mode("\x10\xa4\x03", 3);  // 0644
  if (folder) mode = std::string("\x10\xed\x83\x80\x80\x08", 6);
  return packet(0, {}, Status::part(2, Status::part(1, path) + mode));
}

// What asks a client for one of its folders.
inline std::string ask_folder(std::uint32_t stream, const std::string& folder) {
  return frame(h2::Type::kHeaders, h2::kEndHeaders, stream,
               literals({{":method", "POST"},
                         {":scheme", "http"},
                         {":path", "/moby.filesync.v1.FileSync/DiffCopy"},
                         {"content-type", "application/grpc"},
                         {"dir-name", folder},
                         {"x-token", "kw-canary-header"}}));
}

// Bytes of a session in a message of the stream that it goes over (BytesMessage).
inline std::string carried(std::uint32_t stream, const std::string& bytes) {
  return data(stream, grpc_message(Status::part(1, bytes)));
}

// Opens that stream.
inline std::string call_session(std::uint32_t stream, const std::string& name) {
  return frame(h2::Type::kHeaders, h2::kEndHeaders, stream,
               literals({{":method", "POST"},
                         {":scheme", "http"},
                         {":path", "/moby.buildkit.v1.Control/Session"},
                         {"content-type", "application/grpc"},
                         {"x-docker-expose-session-uuid", name},
                         {"x-docker-expose-session-sharedkey", "kw-canary-shared"}}));
}

}  // namespace kilnwatch::test
