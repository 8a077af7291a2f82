#include "app/result_stream.h"

#include <unistd.h>

#include <utility>

#include "app/standard_streams.h"

namespace kilnwatch::app {

base::Result<std::unique_ptr<sink::Encoder>> encoder_for_stdout(const std::string& format) {
  if (auto usable = stdout_usable(); !usable) return usable.error();
  const std::string chosen = !format.empty()                ? format
                             : ::isatty(STDOUT_FILENO) == 1 ? "text"
                                                            : "json";
  return sink::make_encoder(chosen);
}

base::Result<ResultStream> ResultStream::open(const std::string& format) {
  auto encoder = encoder_for_stdout(format);
  if (!encoder) return encoder.error();
  return ResultStream(std::move(*encoder));
}

void ResultStream::write(const v1::Alert& alert) {
  if (status_) status_ = write_stdout(encoder_->encode(alert));
}

}  // namespace kilnwatch::app
