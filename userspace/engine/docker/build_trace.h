// The lines in which dockerd passes on what BuildKit says (moby: builder/builder-next/builder.go):
// {"id":"moby.buildkit.trace","aux":"<base64 of a StatusResponse>"}. The output of steps is within
// them, so a step can not write one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/buildkit/status.h"
#include "engine/buildkit/step_secrets.h"

namespace kilnwatch::engine::docker {

class BuildTrace {
 public:
  struct Line {
    std::string_view bytes;
    bool whole = true;  // false: its front only
  };
  struct Read {
    std::string safe;   // of the line's front, as long as that, what may be recorded
    bool whole = true;  // false: something of a step may be missing
  };
  static bool is_trace(std::string_view line);

  // Of a line that is one.
  Read read(const Line& line, domain::TimeNs time, domain::CallId call,
            std::vector<domain::ApiFact>& facts);
  // The values of the build's arguments; not called: not all are known.
  void know(std::vector<std::string> values) { secrets_.know(std::move(values)); }
  // What came before was another call's answer.
  void restart() {
    status_ = {};
    spoke_ = false;
  }
  bool spoke() const { return spoke_; }
  std::size_t held_bytes() const { return secrets_.held_bytes() + status_.held_bytes(); }

 private:
  buildkit::StepSecrets secrets_;
  buildkit::StatusReader status_;
  bool spoke_ = false;
};

}  // namespace kilnwatch::engine::docker
