#include "capture/replay/recording_reader.h"

#include <algorithm>
#include <utility>

#include "capture/replay/convert.h"

namespace kilnwatch::capture {
namespace {

constexpr std::uint32_t kFormatVersion = 1;  // record/recording_file.h writes the same

}  // namespace

base::Error RecordingReader::damaged() const {
  std::string places = damage_;
  if (damages_ > 1) places += " and in " + std::to_string(damages_ - 1) + " more places";
  return {base::ErrorClass::kInput,
          "the recording " + path_ + " is damaged: " + places + "; the " +
              std::to_string(records_) +
              " whole records were used, the rest is lost (copy the file again from where it was "
              "made)"};
}

base::Result<std::unique_ptr<RecordingReader>> RecordingReader::open(const std::string& path) {
  auto frames = FrameReader::open(path);
  if (!frames) return frames.error();
  std::unique_ptr<RecordingReader> reader(new RecordingReader(std::move(*frames), path));
  if (auto status = reader->read_header(); !status) return status.error();
  return reader;
}

base::Status RecordingReader::read_header() {
  first_ = frames_.next();
  have_first_ = true;
  if (first_.messages.empty() || !header_.ParseFromString(first_.messages.front())) {
    damage_ = first_.damage.empty() ? "its header is unreadable" : first_.damage;
    return damaged();
  }
  if (header_.format_version() != kFormatVersion) {
    return base::Error{base::ErrorClass::kInput,
                       "the recording " + path_ + " has format " +
                           std::to_string(header_.format_version()) + ", this program reads " +
                           std::to_string(kFormatVersion) +
                           "; use the kilnwatch that made it: " + header_.sensor_version()};
  }
  first_.messages.erase(first_.messages.begin());
  host_ = {header_.host_name(), header_.boot_id(), header_.machine_id(), header_.kernel(),
           header_.wall_offset_ns()};
  return base::Done{};
}

base::Result<EventSource::State> RecordingReader::poll(int, const Handler& handler) {
  if (over_) return State::kEnd;
  const Frame frame = have_first_ ? std::exchange(first_, Frame{}) : frames_.next();
  have_first_ = false;
  for (const std::string& message : frame.messages) take(message, handler);
  if (!frame.damage.empty()) note_damage(frame.damage, handler);
  over_ = frame.end;
  if (!frame.end) return State::kMore;
  if (damages_ > 0) return damaged();
  return State::kEnd;
}

void RecordingReader::take(const std::string& message, const Handler& handler) {
  recording::v1::Record record;
  domain::Event event;
  const Converted kind =
      record.ParseFromString(message) ? from_proto(record, event) : Converted::kInvalid;
  if (kind == Converted::kInvalid) {
    return note_damage("record " + std::to_string(records_ + unknown_ + 1) + " is unreadable",
                       handler);
  }
  if (kind == Converted::kUnknownKind) {
    ++unknown_;
    return;
  }
  ++records_;
  if (kind == Converted::kAnswer) {
    if (answered_) answered_(answer_of(record));
    return;
  }
  latest_ = std::max(latest_, domain::time_of(event));
  handler(std::move(event));
}

void RecordingReader::note_damage(const std::string& what, const Handler& handler) {
  if (damages_++ == 0) damage_ = what;
  handler(domain::KernelLoss{latest_, "recording", 1});
}

}  // namespace kilnwatch::capture
