// Alerts in the chosen format onto stdout; the writer waits for its reader.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "sink/encoder.h"

namespace kilnwatch::app {

// `format` empty: text on a terminal, else json. Fails when stdout is not there to be written.
base::Result<std::unique_ptr<sink::Encoder>> encoder_for_stdout(const std::string& format);

// For commands that read at their own pace. `run` has a queue in between (alert_queue.h).
class ResultStream {
 public:
  static base::Result<ResultStream> open(const std::string& format);

  // Remembers the first failure; what comes after it is not written.
  void write(const v1::Alert& alert);
  const base::Status& status() const { return status_; }

 private:
  explicit ResultStream(std::unique_ptr<sink::Encoder> encoder) : encoder_(std::move(encoder)) {}
  std::unique_ptr<sink::Encoder> encoder_;
  base::Status status_ = base::Done{};
};

}  // namespace kilnwatch::app
