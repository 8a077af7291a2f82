// BuildKit's side of a conversation: messages as dockerd passes them on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/base64.h"
#include "harness/conversation.h"
#include "proto/engine/buildkit.pb.h"

namespace kilnwatch::test {

inline std::string vertex_digest(const std::string& name) {
  std::string hex(64, '0');
  std::uint64_t sum = 1469598103934665603u;
  for (const char c : name) sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211u;
  for (std::size_t i = 0; i < 16; ++i, sum /= 16) hex[i] = "0123456789abcdef"[sum % 16];
  return "sha256:" + hex;
}

// One StatusResponse, put together.
class Status {
 public:
  // Times: milliseconds of the engine's clock; 0: not yet.
  Status& vertex(const std::string& name, std::uint64_t started = 0, std::uint64_t completed = 0,
                 bool cached = false, const std::string& error = {},
                 const std::string& digest = {}) {
    auto& v = *response_.add_vertexes();
    v.set_digest(digest.empty() ? vertex_digest(name) : digest);
    v.set_name(name);
    v.set_cached(cached);
    v.set_error(error);
    if (started != 0) stamp(*v.mutable_started(), started);
    if (completed != 0) stamp(*v.mutable_completed(), completed);
    return *this;
  }
  // What the last node stands on.
  Status& on(const std::vector<std::string>& names) {
    auto& v = *response_.mutable_vertexes()->rbegin();
    for (const auto& name : names) v.add_inputs(vertex_digest(name));
    return *this;
  }
  Status& status(const std::string& of, const std::string& id, std::uint64_t time) {
    auto& s = *response_.add_statuses();
    s.set_id(id);
    s.set_vertex(vertex_digest(of));
    stamp(*s.mutable_timestamp(), time);
    stamp(*s.mutable_started(), time);
    stamp(*s.mutable_completed(), time);
    return *this;
  }
  Status& log(const std::string& of, std::uint64_t time, const std::string& text) {
    engine::buildkit::VertexLog log;
    stamp(*log.mutable_timestamp(), time);
    logs_ += part(3, part(1, vertex_digest(of)) + log.SerializeAsString() + part(4, text));
    return *this;
  }
  std::string bytes() const { return response_.SerializeAsString() + logs_; }
  std::string json() const {
    return R"({"id":"moby.buildkit.trace","aux":")" + base::to_base64(bytes()) + "\"}";
  }
  std::string line() const { return message(json()); }

  static std::string part(unsigned number, const std::string& bytes) {
    std::string out(1, static_cast<char>(number << 3 | 2));
    auto size = bytes.size();
    for (; size >= 128; size /= 128) out += static_cast<char>(size % 128 | 128);
    return out + static_cast<char>(size) + bytes;
  }

 private:
  static void stamp(engine::buildkit::Time& to, std::uint64_t ms) {
    to.set_seconds(static_cast<std::int64_t>(ms / 1000));
    to.set_nanos(static_cast<std::int32_t>(ms % 1000 * 1'000'000));
  }
  engine::buildkit::StatusResponse response_;
  std::string logs_;
};

inline std::string image_id_line(const std::string& id) {
  return message(R"({"id":"moby.image.id","aux":{"ID":")" + id + "\"}}");
}

}  // namespace kilnwatch::test
