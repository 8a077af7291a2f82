#include "capture/replay/recording_reader.h"

#include <utility>

#include "capture/replay/convert.h"

namespace kilnwatch::capture {
namespace {

constexpr std::uint32_t kFormatVersion = 1;  // record/recording_file.h writes the same

}  // namespace

base::Error RecordingReader::damaged(const std::string& what) const {
  return {base::ErrorClass::kInput, "the recording " + path_ + " is damaged: " + what + "; the " +
                                        std::to_string(records_) +
                                        " records before it were used, the rest is lost (copy the "
                                        "file again from where it was made)"};
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
  if (first_.messages.empty()) {
    return damaged(first_.damage.empty() ? "it has no header" : first_.damage);
  }
  if (!header_.ParseFromString(first_.messages.front())) return damaged("its header is unreadable");
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
  for (const std::string& message : frame.messages) {
    recording::v1::Record record;
    domain::Event event;
    const Converted kind =
        record.ParseFromString(message) ? from_proto(record, event) : Converted::kInvalid;
    if (kind == Converted::kInvalid) {
      over_ = true;
      return damaged("record " + std::to_string(records_ + unknown_ + 1) + " is unreadable");
    }
    if (kind == Converted::kUnknownKind) {
      ++unknown_;
      continue;
    }
    ++records_;
    handler(std::move(event));
  }
  if (!frame.damage.empty()) {
    over_ = true;
    return damaged(frame.damage);
  }
  over_ = frame.end;
  return frame.end ? State::kEnd : State::kMore;
}

}  // namespace kilnwatch::capture
