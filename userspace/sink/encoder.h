// Alert → bytes on stdout, and back.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kilnwatch/v1/alert.pb.h"

namespace kilnwatch::sink {

class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual std::string encode(const v1::Alert& alert) = 0;  // whole: ends with its newline, if any
};

// "text", "json" or "protobuf"; else a usage error.
base::Result<std::unique_ptr<Encoder>> make_encoder(std::string_view format);

// Ours are far below: the longest part is a Dockerfile of at most a MiB.
inline constexpr std::size_t kMaxAlert = std::size_t{16} << 20;

// Incremental reader of the AlertStream wire form.
class StreamDecoder {
 public:
  void feed(std::string_view bytes);
  // Next whole alert; nothing: more bytes needed. An error is final.
  base::Result<std::optional<v1::Alert>> next();
  bool clean() const { return used_ == buffer_.size(); }  // at the end of input: no partial alert

 private:
  std::string buffer_;
  std::size_t used_ = 0;  // of buffer_
};

}  // namespace kilnwatch::sink
