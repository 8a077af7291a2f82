// Recordings as files of a test: written, read, taken apart.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "capture/replay/recording_reader.h"
#include "harness/temp_dir.h"
#include "record/convert.h"
#include "record/recorder.h"

namespace kilnwatch::test {

inline record::Info info() { return {{"host", "boot", "machine", "6.1.0", 42}, 1, "0.1.0"}; }

struct Replayed {
  bool opened = false;
  std::vector<domain::Event> events;
  std::string error;
};

inline Replayed replay(const std::string& path) {
  Replayed result;
  auto reader = capture::RecordingReader::open(path);
  if (!reader) {
    result.error = reader.error().message;
    return result;
  }
  result.opened = true;
  for (;;) {
    auto state = (*reader)->poll(
        0, [&](domain::Event&& event) { result.events.push_back(std::move(event)); });
    if (!state) result.error = state.error().message;
    if (!state || *state == capture::EventSource::State::kEnd) return result;
  }
}

// Comparable form of an event.
inline std::string form(const domain::Event& event) {
  recording::v1::Record record;
  record::to_proto(event, record);
  return record.SerializeAsString();
}

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void spit(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace kilnwatch::test
