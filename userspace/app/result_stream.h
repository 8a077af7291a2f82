// Alerts in the chosen format onto stdout, or into a report.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "sink/encoder.h"

namespace kilnwatch::app {

class ResultStream {
 public:
  // `format` empty: text on a terminal, else json.
  static base::Result<ResultStream> open(const std::string& format);

  // Remembers the first failure; later alerts are counted only.
  void write(const v1::Alert& alert);
  const base::Status& status() const { return status_; }
  std::uint64_t lost() const { return lost_; }

 private:
  explicit ResultStream(std::unique_ptr<sink::Encoder> encoder) : encoder_(std::move(encoder)) {}
  std::unique_ptr<sink::Encoder> encoder_;
  base::Status status_ = base::Done{};
  std::uint64_t lost_ = 0;
};

// Says the error on stderr and returns its exit code.
int fail(const base::Error& error);

}  // namespace kilnwatch::app
