// What the classic builder writes (moby: daemon/builder/dockerfile; streamformatter).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "domain/api_fact.h"

namespace kilnwatch::engine::docker {

// Facts of a build's answer, message by message. A step's own output travels in the same messages
// and can imitate every line here; the tracker ranks them.
class BuildOutput {
 public:
  BuildOutput() = default;
  BuildOutput(const BuildOutput&) = delete;
  BuildOutput& operator=(const BuildOutput&) = delete;
  virtual ~BuildOutput() = default;
  virtual std::unique_ptr<BuildOutput> fresh() const { return std::make_unique<BuildOutput>(); }

  struct Message {
    std::string_view bytes;      // one JSON value
    bool whole = true;           // false: its front only
    std::uint32_t status = 200;  // of the answer
  };
  enum class Said : std::uint8_t {
    kNothing,  // a step's output, progress, or no JSON
    kError,    // also an answer to another call looks like this
    kBuilder,  // only a build writes this
  };
  // Of a message that is cut: its first words. The last one may be half a secret that cannot be
  // told as one, so it does not count.
  static std::string_view front_of(std::string_view bytes);
  Said read(const Message& message, domain::TimeNs time, domain::CallId call,
            std::vector<domain::ApiFact>& facts);
  std::size_t held_bytes() const { return error_.capacity(); }
  bool spoke() const { return spoke_; }  // a line of the builder's was read
  // That it succeeded is said by the builder itself, not by a step's output: its line comes right
  // after the `aux` message of the same image, which no step can write, or is all that was written
  // (moby: builder/dockerfile/builder.go; api/server/backend/build).
  bool surely_built() const { return surely_built_; }
  domain::BuildEnded ended(domain::TimeNs time, domain::CallId call,
                           std::uint32_t http_status) const;

 protected:
  bool step_seen_ = false;
  bool built_ = false;
  bool surely_built_ = false;
  bool wrote_ = false;  // anything but ids

 private:
  Said judge(const Message& message, domain::TimeNs time, domain::CallId call,
             std::vector<domain::ApiFact>& facts);
  // True: `text`, without its line's end, is one of the builder's own lines. `aux`: the image of
  // the message before it.
  virtual bool line(std::string_view text, const std::string& aux, domain::TimeNs time,
                    domain::CallId call, std::vector<domain::ApiFact>& facts);
  // True: an error that only a build has.
  virtual bool is_builders(std::string_view error) const;

  bool spoke_ = false;
  std::string last_aux_;  // the image of the message before this one
  std::string error_;
};

}  // namespace kilnwatch::engine::docker
