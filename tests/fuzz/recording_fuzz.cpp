// A recording as a file.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "capture/replay/recording_reader.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kilnwatch;
  static const int fd = ::memfd_create("recording", 0);
  fuzz::promise(fd >= 0 && ::ftruncate(fd, 0) == 0 &&
                    ::pwrite(fd, data, size, 0) == static_cast<ssize_t>(size),
                "the input is a file");
  auto reader = capture::RecordingReader::open("/proc/self/fd/" + std::to_string(fd));
  if (!reader) return 0;
  std::uint64_t events = 0;
  for (;;) {
    const auto state = (*reader)->poll(0, [&](domain::Event&&) { ++events; });
    if (!state || *state == capture::EventSource::State::kEnd) break;
  }
  // Damage is told as an event too.
  fuzz::promise(events >= (*reader)->records(), "every record that is counted was handed over");
  return 0;
}
