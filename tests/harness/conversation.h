// Runs a conversation over any split of its bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "engine/conversation.h"

namespace kilnwatch::test {

struct Turn {
  enum class Kind { kData, kGap, kSkip };
  domain::Direction direction = domain::Direction::kRequest;
  std::string bytes;
  Kind kind = Kind::kData;
};

inline Turn asks(std::string bytes) {
  return {domain::Direction::kRequest, std::move(bytes), Turn::Kind::kData};
}
// Bytes that are lost (gap) or left in the kernel (skip).
inline Turn loses(domain::Direction direction, std::size_t count) {
  return {direction, std::string(count, '?'), Turn::Kind::kGap};
}
inline Turn skips(domain::Direction direction, std::size_t count) {
  return {direction, std::string(count, '?'), Turn::Kind::kSkip};
}
inline Turn answers(std::string bytes) {
  return {domain::Direction::kResponse, std::move(bytes), Turn::Kind::kData};
}

inline const std::string kChunkedOk =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

inline std::string with_length(const std::string& head, const std::string& body) {
  return head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string chunk(const std::string& data) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string size;
  for (auto n = data.size(); n > 0; n /= 16) size.insert(size.begin(), kHex[n % 16]);
  return size + "\r\n" + data + "\r\n";
}

// One message of a build's output as dockerd writes it.
inline std::string message(const std::string& json) { return chunk(json + "\r\n"); }
inline std::string stream(const std::string& escaped) {
  return message("{\"stream\":\"" + escaped + "\"}");
}

// Size of the next piece, from how many bytes are left.
using Splitter = std::function<std::size_t(std::size_t)>;

inline Splitter whole() {
  return [](std::size_t left) { return left; };
}
inline Splitter single() {
  return [](std::size_t) { return std::size_t{1}; };
}
inline Splitter random_split(unsigned seed) {
  return [random = std::mt19937(seed)](std::size_t left) mutable {
    return std::min<std::size_t>(left, 1 + random() % 40);
  };
}

inline engine::Output converse(const std::vector<Turn>& turns, Splitter split, bool close = true,
                               bool midway = false, bool fetch = false,
                               domain::EngineKind engine = domain::EngineKind::kDocker) {
  domain::ConnOpened opened;
  opened.engine = engine;
  opened.conn = 7;
  opened.engine = engine;
  opened.midway = midway;
  opened.fetch = fetch;
  const auto conversation = engine::make_conversation(opened);
  engine::Output output;
  std::uint64_t pos[2] = {0, 0};
  for (const auto& turn : turns) {
    auto& at = pos[static_cast<std::size_t>(turn.direction)];
    if (turn.kind != Turn::Kind::kData) {
      if (turn.kind == Turn::Kind::kGap)
        conversation->gap(turn.direction, 1000, turn.bytes.size(), output);
      else
        conversation->skip(turn.direction, 1000, turn.bytes.size(), output);
      at += turn.bytes.size();
      continue;
    }
    for (std::size_t done = 0; done < turn.bytes.size();) {
      const auto n = split(turn.bytes.size() - done);
      conversation->data({turn.direction, 1000, at, std::string_view(turn.bytes).substr(done, n),
                          false, done == 0},
                         output);
      at += n;
      done += n;
    }
  }
  if (close) conversation->close(2000, output);
  return output;
}

template <class T>
std::vector<T> facts_of(const engine::Output& output) {
  std::vector<T> found;
  for (const auto& fact : output.facts) {
    if (const auto* one = std::get_if<T>(&fact)) found.push_back(*one);
  }
  return found;
}

}  // namespace kilnwatch::test
