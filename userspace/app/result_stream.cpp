#include "app/result_stream.h"

#include <unistd.h>

#include <utility>

#include "app/output.h"

namespace kilnwatch::app {

base::Result<ResultStream> ResultStream::open(const std::string& format) {
  const std::string chosen = !format.empty()                ? format
                             : ::isatty(STDOUT_FILENO) == 1 ? "text"
                                                            : "json";
  auto encoder = sink::make_encoder(chosen);
  if (!encoder) return encoder.error();
  return ResultStream(std::move(*encoder));
}

void ResultStream::write(const v1::Alert& alert) {
  if (!status_) {
    ++lost_;
    return;
  }
  status_ = write_stdout(encoder_->encode(alert));
  if (!status_) ++lost_;
}

int fail(const base::Error& error) {
  say(error.message);
  return static_cast<int>(error.kind);
}

}  // namespace kilnwatch::app
