// A recording as a source of events.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "capture/replay/frame_reader.h"
#include "capture/source.h"
#include "domain/fleet_answered.h"
#include "kilnwatch/v1/recording.pb.h"

namespace kilnwatch::capture {

class RecordingReader : public EventSource {
 public:
  // ErrorClass::kInput: cannot be opened, is no recording, its header is damaged, or a later
  // version wrote it.
  static base::Result<std::unique_ptr<RecordingReader>> open(const std::string& path);

  // Hands over one frame; never waits. Damage: every record of every whole frame is handed over,
  // and KernelLoss "recording" in the place of what is lost, so that nobody takes the rest for all;
  // at the end kInput with the first place and the number of records.
  base::Result<State> poll(int timeout_ms, const Handler& handler) override;
  // From now on poll() hands over what other hosts said, too.
  using Answered = std::function<void(domain::FleetAnswered&&)>;
  void on_answer(Answered take) { answered_ = std::move(take); }
  const domain::HostFacts& host() const override { return host_; }
  const recording::v1::Header& header() const { return header_; }
  std::uint64_t records() const { return records_; }      // whole ones handed over
  std::uint64_t passed_over() const { return unknown_; }  // of kinds this version does not know

 private:
  RecordingReader(FrameReader frames, std::string path)
      : frames_(std::move(frames)), path_(std::move(path)) {}
  base::Error damaged() const;
  void take(const std::string& message, const Handler& handler);
  void note_damage(const std::string& what, const Handler& handler);
  base::Status read_header();

  FrameReader frames_;
  Answered answered_;
  std::string path_;
  recording::v1::Header header_;
  domain::HostFacts host_;
  Frame first_;  // records that stood in the header's frame
  bool have_first_ = false;
  std::string damage_;  // the first one
  std::uint64_t damages_ = 0;
  domain::TimeNs latest_ = 0;
  bool over_ = false;
  std::uint64_t records_ = 0;
  std::uint64_t unknown_ = 0;
};

}  // namespace kilnwatch::capture
